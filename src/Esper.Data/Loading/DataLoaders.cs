using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>The three parts of a data set, each with its loader.</summary>
public sealed class DataLoaders : IDisposable
{
    private DataLoaders(IBatchLoader train, IBatchLoader validation, IBatchLoader test)
    {
        Train = train;
        Validation = validation;
        Test = test;
    }

    /// <summary>What a model learns from.</summary>
    public IBatchLoader Train { get; }

    /// <summary>What decisions look at.</summary>
    public IBatchLoader Validation { get; }

    /// <summary>What no decision may look at.</summary>
    public IBatchLoader Test { get; }

    /// <summary>Divides a data set and opens its loaders.</summary>
    /// <exception cref="DataException">The data are too few for a split, a training batch or a window.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public static DataLoaders Create(Dataset dataset, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(options);
        DataLoaders loaders = dataset switch
        {
            ImageDataset images => ForImages(images, options),
            TextDataset text => ForText(text, options),
            _ => throw new ArgumentException($"no loader for {dataset.GetType().Name}", nameof(dataset)),
        };
        try
        {
            return loaders.Train.BatchesPerEpoch == 0
                ? throw new DataException(
                    $"data set '{dataset.Name}' has too few training examples for one batch of {options.BatchSize}: use a smaller batch")
                : loaders.InParts(options.EpochsPerPass);
        }
        catch (Exception)
        {
            loaders.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }

    private DataLoaders InParts(int parts) =>
        parts == 1 ? this : new DataLoaders(new PassParts(Train, parts), Validation, Test);

    private static DataLoaders ForImages(ImageDataset dataset, LoaderOptions options)
    {
        DataSplit split = DataSplit.Stratified(dataset.Train, options.ValidationFraction, options.Seed);
        ImmutableArray<int> train = split.Train[..Limit(options, split.Train.Length)];
        Augmentation augmentation = options.Augment ? dataset.DefaultAugmentation : Augmentation.None;
        return new DataLoaders(
            new ImageBatchLoader(dataset, train, options.BatchSize, options.Seed, augmentation, options.PrefetchDepth),
            new ImageEvaluationBatches(dataset, dataset.Train, split.Validation, options.EvaluationBatchSize),
            new ImageEvaluationBatches(
                dataset, dataset.Test, [.. Enumerable.Range(0, dataset.Test.Count)], options.EvaluationBatchSize));
    }

    private static DataLoaders ForText(TextDataset dataset, LoaderOptions options)
    {
        TokenRange train = dataset.Train with { Length = Limit(options, dataset.Train.Length) };
        return new DataLoaders(
            new TextBatchLoader(dataset, train, options.Context, options.BatchSize, options.Seed, options.PrefetchDepth),
            new TextEvaluationBatches(dataset, dataset.Validation, options.Context, options.EvaluationBatchSize),
            new TextEvaluationBatches(dataset, dataset.Test, options.Context, options.EvaluationBatchSize));
    }

    private static int Limit(LoaderOptions options, int available)
    {
        if (options.TrainLimit is not { } limit)
        {
            return available;
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, nameof(options));
        return Math.Min(limit, available);
    }
}

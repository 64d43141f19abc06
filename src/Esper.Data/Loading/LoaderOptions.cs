namespace Esper.Data;

/// <summary>How a data set is divided and served.</summary>
public sealed record LoaderOptions
{
    /// <summary>Examples in a training batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Examples in a batch for evaluation.</summary>
    public int EvaluationBatchSize { get; init; } = 250;

    /// <summary>Tokens in an example of a text.</summary>
    public int Context { get; init; } = 128;

    /// <summary>Share of the training images set aside, in (0, 0.5]; a text has its own 10 %.</summary>
    public double ValidationFraction { get; init; } = DataSplit.DefaultValidationFraction;

    /// <summary>Only the first so many training images (after the split), or tokens of a text; null = all.</summary>
    public int? TrainLimit { get; init; }

    /// <summary>Epochs in which the training examples are gone through once, at least 1.</summary>
    public int EpochsPerPass { get; init; } = 1;

    /// <summary>Whether training images are augmented as the data set allows.</summary>
    public bool Augment { get; init; } = true;

    /// <summary>Seed of split, order, augmentation and windows.</summary>
    public long Seed { get; init; }

    /// <summary>Training batches kept ready.</summary>
    public int PrefetchDepth { get; init; } = 4;
}

namespace Esper.Data.Tests;

public sealed class DataLoadersTests
{
    private static readonly TextDataset Text = new("text", new string('x', 500) + new string('y', 500));

    [Fact]
    public void Images_are_split_limited_and_served()
    {
        ImageDataset dataset = Fixtures.SmallImages(90, test: 7);
        DataSplit split = DataSplit.Stratified(dataset.Train, 0.2, 3);
        using DataLoaders loaders = DataLoaders.Create(
            dataset, new LoaderOptions { BatchSize = 10, EvaluationBatchSize = 4, ValidationFraction = 0.2, TrainLimit = 50, Seed = 3 });
        Assert.Equal(split.Train.Take(50), Indices(loaders.Train).Order());
        Assert.Equal(split.Validation.ToArray(), Indices(loaders.Validation));
        Assert.Equal(Enumerable.Range(0, 7), Indices(loaders.Test));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Augmentation_can_be_turned_off(bool augment)
    {
        ImageDataset dataset = Fixtures.SmallImages(90);
        LoaderOptions options = new() { BatchSize = 81, Augment = augment };
        using DataLoaders loaders = DataLoaders.Create(dataset, options);
        using ImageBatchLoader expected = new(
            dataset, DataSplit.Stratified(dataset.Train, options.ValidationFraction, 0).Train, 81, 0,
            augment ? dataset.DefaultAugmentation : Augmentation.None);
        Assert.Equal(First(expected), First(loaders.Train));

        static float[] First(IBatchLoader loader)
        {
            loader.StartEpoch(0);
            Assert.True(loader.TryNext(out Batch? batch, CancellationToken.None));
            return batch.Inputs[0].Floats.ToArray();
        }
    }

    [Fact]
    public void Text_is_served_by_its_parts()
    {
        using DataLoaders loaders = DataLoaders.Create(
            Text, new LoaderOptions { BatchSize = 2, EvaluationBatchSize = 3, Context = 10, TrainLimit = 101 });
        Assert.Equal(10, loaders.Train.ExamplesPerEpoch);
        Assert.All(Indices(loaders.Train), start => Assert.InRange(start, 0, 90));
        Assert.Equal(Enumerable.Range(0, 9).Select(i => 800 + (10 * i)), Indices(loaders.Validation));
        Assert.Equal(Enumerable.Range(0, 9).Select(i => 900 + (10 * i)), Indices(loaders.Test));
    }

    [Fact]
    public void Too_few_examples_for_a_batch_are_refused()
    {
        string message = Assert.Throws<DataException>(
            () => DataLoaders.Create(Fixtures.SmallImages(90), new LoaderOptions { BatchSize = 82 })).Message;
        Assert.Equal("data set 'small' has too few training examples for one batch of 82: use a smaller batch", message);
        Assert.Throws<DataException>(() => DataLoaders.Create(Text, new LoaderOptions { Context = 100, BatchSize = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => DataLoaders.Create(Fixtures.SmallImages(90), new LoaderOptions { TrainLimit = 0 }));
    }

    private static List<int> Indices(IBatchLoader loader)
    {
        List<int> indices = [];
        loader.StartEpoch(0);
        while (loader.TryNext(out Batch? batch, CancellationToken.None))
        {
            indices.AddRange(batch.Indices.ToArray());
        }

        return indices;
    }
}

namespace Esper.Data.Tests;

/// <summary>Several epochs in a pass are the pass, cut up.</summary>
public sealed class PassPartsTests
{
    private const int Examples = 66;
    private const int BatchSize = 6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(11)]
    public void Parts_in_a_row_are_the_pass(int parts)
    {
        using IBatchLoader whole = Whole();
        using PassParts divided = new(Whole(), parts);
        Assert.Equal(11 / parts, divided.BatchesPerEpoch);
        Assert.Equal(divided.BatchesPerEpoch * BatchSize, divided.ExamplesPerEpoch);
        for (int pass = 0; pass < 2; pass++)
        {
            List<float[]> expected = Epoch(whole, pass);
            List<float[]> actual = [.. Enumerable.Range(pass * parts, parts).SelectMany(epoch => Epoch(divided, epoch))];
            Assert.Equal(divided.BatchesPerEpoch * parts, actual.Count);
            Assert.Equal(expected[..actual.Count], actual);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 1)]
    [InlineData(7, 3)]
    public void A_place_is_found_again(int epoch, int batch)
    {
        using PassParts divided = new(Whole(), 3);
        Assert.Null(divided.Position);
        divided.StartEpoch(epoch);
        for (int i = 0; i < batch; i++)
        {
            Assert.True(divided.TryNext(out _, default));
        }

        LoaderPosition place = divided.Position!.Value;
        Assert.Equal(new LoaderPosition(epoch, batch), place);
        List<float[]> rest = Rest(divided);
        Assert.Equal(3 - batch, rest.Count);
        divided.StartEpoch(11);
        Assert.True(divided.TryNext(out _, default));
        divided.StartEpoch(place.Epoch, place.Batch);
        Assert.Equal(rest, Rest(divided));
    }

    [Fact]
    public void The_end_of_a_part_stays_its_end()
    {
        using PassParts divided = new(Whole(), 3);
        divided.StartEpoch(0);
        Assert.Equal(3, Rest(divided).Count);
        Assert.Equal(new LoaderPosition(0, 3), divided.Position);
        Assert.False(divided.TryNext(out _, default));
        divided.StartEpoch(0, 3);
        Assert.False(divided.TryNext(out _, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => divided.StartEpoch(0, 4));
    }

    [Fact]
    public void More_parts_than_batches_are_refused()
    {
        DataException error = Assert.Throws<DataException>(() => DataLoaders.Create(
            Fixtures.SmallImages(Examples), new LoaderOptions { BatchSize = 30, EpochsPerPass = 4, ValidationFraction = 0.1 }));
        Assert.Contains("4 epochs a pass", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_training_data_are_divided()
    {
        LoaderOptions options = new() { BatchSize = BatchSize, ValidationFraction = 0.1 };
        using DataLoaders whole = DataLoaders.Create(Fixtures.SmallImages(Examples), options);
        using DataLoaders divided = DataLoaders.Create(Fixtures.SmallImages(Examples), options with { EpochsPerPass = 2 });
        Assert.Equal(whole.Train.BatchesPerEpoch / 2, divided.Train.BatchesPerEpoch);
        Assert.Equal(whole.Validation.BatchesPerEpoch, divided.Validation.BatchesPerEpoch);
        Assert.Equal(whole.Test.BatchesPerEpoch, divided.Test.BatchesPerEpoch);
    }

    private static ImageBatchLoader Whole() => new(
        Fixtures.SmallImages(Examples), Fixtures.UpTo(Examples), BatchSize, 17, new Augmentation { CropPadding = 2, Flip = true });

    private static List<float[]> Epoch(IBatchLoader loader, int epoch)
    {
        loader.StartEpoch(epoch);
        return Rest(loader);
    }

    private static List<float[]> Rest(IBatchLoader loader)
    {
        List<float[]> batches = [];
        while (loader.TryNext(out Batch? batch, default))
        {
            batches.Add([.. batch.Inputs[0].Floats.Span]);
        }

        return batches;
    }
}

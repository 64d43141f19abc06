namespace Esper.Data.Tests;

/// <summary>A loader that is taken back to a place gives out, bit for bit, what it gave out from there.</summary>
public sealed class LoaderPositionTests
{
    public static TheoryData<string, int> Places => new()
    {
        { "images", 0 }, { "images", 3 }, { "images", 7 }, { "text", 0 }, { "text", 4 }, { "validation", 2 },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public void Batches_from_a_place_are_the_same_again(string kind, int before)
    {
        using IBatchLoader loader = Open(kind);
        Assert.Null(loader.Position);
        loader.StartEpoch(5);
        Take(loader, before);
        LoaderPosition place = loader.Position!.Value;
        Assert.Equal(new LoaderPosition(5, before), place);
        float[][] first = Take(loader, 3);
        Assert.Equal(new LoaderPosition(5, before + first.Length), loader.Position);

        // Somewhere else in between, and another loader that was never anywhere else.
        loader.StartEpoch(9, 1);
        Take(loader, 2);
        loader.StartEpoch(place.Epoch, place.Batch);
        Assert.Equal(first, Take(loader, 3));
        using IBatchLoader fresh = Open(kind);
        fresh.StartEpoch(place.Epoch, place.Batch);
        Assert.Equal(first, Take(fresh, 3));
    }

    [Fact]
    public void The_end_of_an_epoch_is_a_place()
    {
        using IBatchLoader loader = Open("images");
        loader.StartEpoch(2);
        Assert.Equal(loader.BatchesPerEpoch, Take(loader, 1000).Length);
        Assert.Equal(new LoaderPosition(2, loader.BatchesPerEpoch), loader.Position);
        loader.StartEpoch(2, loader.Position!.Value.Batch);
        Assert.False(loader.TryNext(out _, CancellationToken.None));
    }

    private static IBatchLoader Open(string kind)
    {
        ImageDataset images = Fixtures.SmallImages(60);
        TextDataset text = new("text", new string([.. Enumerable.Range(0, 1003).Select(i => (char)('a' + (i * i % 23)))]));
        return kind switch
        {
            "images" => new ImageBatchLoader(images, Fixtures.UpTo(60), 6, 17, new Augmentation { CropPadding = 2, Flip = true }),
            "validation" => new ImageEvaluationBatches(images, images.Train, Fixtures.UpTo(60), 7),
            _ => new TextBatchLoader(text, new TokenRange(0, 900), 12, 8, 17),
        };
    }

    private static float[][] Take(IBatchLoader loader, int count)
    {
        List<float[]> batches = [];
        while (batches.Count < count && loader.TryNext(out Batch? batch, CancellationToken.None))
        {
            BatchInput input = batch.Inputs[0];
            batches.Add(input.IsFloat ? input.Floats.ToArray() : [.. input.Integers.ToArray().Select(value => (float)value)]);
        }

        return [.. batches];
    }
}

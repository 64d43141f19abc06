using System.Collections.Immutable;

namespace Esper.Data.Tests;

public sealed class ImageBatchLoaderTests
{
    private const long Seed = 17;

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(4, true)]
    [InlineData(6, true)]
    public void Crop_flip_and_normalisation_equal_a_naive_implementation(int padding, bool flip)
    {
        ImageDataset dataset = Fixtures.SmallImages(60);
        Augmentation augmentation = new() { CropPadding = padding, Flip = flip };
        using ImageBatchLoader loader = new(dataset, Fixtures.UpTo(60), 7, Seed, augmentation);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            foreach (Seen seen in Drain(loader, epoch))
            {
                Assert.Equal(Naive(dataset, seen.Index, epoch, padding, flip), seen.Pixels);
                Assert.Equal(dataset.Train.Labels.Span[seen.Index], seen.Label);
            }
        }
    }

    [Fact]
    public void All_crops_and_both_mirrorings_occur()
    {
        HashSet<(int, int, bool)> draws = [];
        for (int index = 0; index < 2000; index++)
        {
            draws.Add(Draw(index, epoch: 1, padding: 4, flip: true));
        }

        Assert.Equal(9 * 9 * 2, draws.Count);
    }

    [Fact]
    public void Every_example_comes_once_an_epoch_and_in_another_order()
    {
        ImmutableArray<int> indices = [.. Enumerable.Range(0, 60).Where(i => i % 5 != 2)];
        using ImageBatchLoader loader = new(Fixtures.SmallImages(60), indices, 6, Seed, Augmentation.None);
        int[] first = [.. Drain(loader, 0).Select(seen => seen.Index)];
        int[] second = [.. Drain(loader, 1).Select(seen => seen.Index)];
        Assert.Equal(indices.ToArray(), first.Order());
        Assert.Equal(indices.ToArray(), second.Order());
        Assert.NotEqual(first, second);
        Assert.NotEqual(indices.ToArray(), first);
        Assert.Equal(first, Drain(loader, 0).Select(seen => seen.Index));
    }

    [Fact]
    public void Incomplete_batch_is_dropped()
    {
        using ImageBatchLoader loader = new(Fixtures.SmallImages(20), Fixtures.UpTo(20), 6, Seed, Augmentation.None);
        Assert.Equal((3, 18), (loader.BatchesPerEpoch, loader.ExamplesPerEpoch));
        Assert.Equal(18, Drain(loader, 0).Select(seen => seen.Index).Distinct().Count());
        using ImageBatchLoader none = new(Fixtures.SmallImages(5), Fixtures.UpTo(5), 6, Seed, Augmentation.None);
        Assert.Equal((0, 0), (none.BatchesPerEpoch, none.ExamplesPerEpoch));
        Assert.Empty(Drain(none, 0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(50)]
    public void Prefetch_depth_changes_nothing(int depth)
    {
        ImageDataset dataset = Fixtures.SmallImages(40);
        using ImageBatchLoader one = new(dataset, Fixtures.UpTo(40), 3, Seed, dataset.DefaultAugmentation);
        using ImageBatchLoader other = new(dataset, Fixtures.UpTo(40), 3, Seed, dataset.DefaultAugmentation, depth);
        Assert.Equal(Drain(one, 2), Drain(other, 2), Seen.Same);
    }

    [Fact]
    public void Batch_size_changes_no_image()
    {
        ImageDataset dataset = Fixtures.SmallImages(40);
        using ImageBatchLoader one = new(dataset, Fixtures.UpTo(40), 4, Seed, dataset.DefaultAugmentation);
        using ImageBatchLoader other = new(dataset, Fixtures.UpTo(40), 10, Seed, dataset.DefaultAugmentation);
        Assert.Equal(Drain(one, 5), Drain(other, 5), Seen.Same);
    }

    [Fact]
    public void Epoch_resumes_in_the_middle()
    {
        ImageDataset dataset = Fixtures.SmallImages(40);
        using ImageBatchLoader loader = new(dataset, Fixtures.UpTo(40), 3, Seed, dataset.DefaultAugmentation);
        Seen[] whole = [.. Drain(loader, 3)];
        for (int first = 0; first <= loader.BatchesPerEpoch; first++)
        {
            Assert.Equal(whole.Skip(3 * first), Drain(loader, 3, first), Seen.Same);
        }

        // Also out of an epoch that was left half-way, and into a loader that never saw another one.
        loader.StartEpoch(1);
        Assert.True(loader.TryNext(out _, CancellationToken.None));
        Assert.Equal(whole.Skip(15), Drain(loader, 3, 5), Seen.Same);
        using ImageBatchLoader fresh = new(dataset, Fixtures.UpTo(40), 3, Seed, dataset.DefaultAugmentation);
        Assert.Equal(whole.Skip(15), Drain(fresh, 3, 5), Seen.Same);
    }

    [Fact]
    public void Seed_decides_order_and_augmentation()
    {
        ImageDataset dataset = Fixtures.SmallImages(40);
        using ImageBatchLoader one = new(dataset, Fixtures.UpTo(40), 40, 1, dataset.DefaultAugmentation);
        using ImageBatchLoader other = new(dataset, Fixtures.UpTo(40), 40, 2, dataset.DefaultAugmentation);
        Seen[] first = [.. Drain(one, 0)];
        Seen[] second = [.. Drain(other, 0)];
        Assert.NotEqual(first.Select(seen => seen.Index), second.Select(seen => seen.Index));
        Assert.NotEqual(first.OrderBy(seen => seen.Index), second.OrderBy(seen => seen.Index), Seen.Same);
    }

    [Fact]
    public void Inputs_are_named_and_shaped_in_graph_order()
    {
        using ImageBatchLoader loader = new(Fixtures.SmallImages(20), Fixtures.UpTo(20), 6, Seed, Augmentation.None);
        loader.StartEpoch(0);
        Assert.True(loader.TryNext(out Batch? batch, CancellationToken.None));
        Assert.Equal(["images", "labels"], batch.Inputs.Select(input => input.Name));
        Assert.Equal([6, 2, 5, 3], batch.Inputs[0].Dims.ToArray());
        Assert.Equal([6], batch.Inputs[1].Dims.ToArray());
        Assert.True(batch.Inputs[0].IsFloat);
        Assert.False(batch.Inputs[1].IsFloat);
        Assert.Equal(6, batch.Count);
    }

    [Fact]
    public void Evaluation_gives_all_in_order_without_augmentation()
    {
        ImageDataset dataset = Fixtures.SmallImages(10, test: 11);
        ImmutableArray<int> indices = [7, 3, 0, 10, 5];
        using ImageEvaluationBatches loader = new(dataset, dataset.Test, indices, 2, prefetchDepth: 1);
        Assert.Equal((3, 5), (loader.BatchesPerEpoch, loader.ExamplesPerEpoch));
        for (int epoch = 0; epoch < 2; epoch++)
        {
            Seen[] seen = [.. Drain(loader, epoch)];
            Assert.Equal(indices.ToArray(), seen.Select(example => example.Index));
            Assert.Equal(indices.Select(index => (long)dataset.Test.Labels.Span[index]), seen.Select(example => example.Label));
            Assert.All(seen, example => Assert.Equal(Normalised(dataset, dataset.Test.Image(example.Index)), example.Pixels));
        }

        loader.StartEpoch(0, firstBatch: 2);
        Assert.True(loader.TryNext(out Batch? last, CancellationToken.None));
        Assert.Equal([1, 2, 5, 3], last.Inputs[0].Dims.ToArray());
        Assert.Equal([1], last.Inputs[1].Dims.ToArray());
        Assert.False(loader.TryNext(out _, CancellationToken.None));
    }

    [Fact]
    public void Arguments_out_of_range_are_refused()
    {
        ImageDataset dataset = Fixtures.SmallImages(10);
        Assert.Throws<ArgumentOutOfRangeException>("indices", () => new ImageBatchLoader(dataset, [10], 1, 0, Augmentation.None));
        Assert.Throws<ArgumentOutOfRangeException>("indices", () => new ImageBatchLoader(dataset, [-1], 1, 0, Augmentation.None));
        Assert.Throws<ArgumentOutOfRangeException>("batchSize", () => new ImageBatchLoader(dataset, [1], 0, 0, Augmentation.None));
        Assert.Throws<ArgumentOutOfRangeException>(
            "prefetchDepth", () => new ImageBatchLoader(dataset, [1], 1, 0, Augmentation.None, 0));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new ImageBatchLoader(dataset, [1], 1, 0, new Augmentation { CropPadding = -1 }));
        using ImageBatchLoader loader = new(dataset, Fixtures.UpTo(10), 2, 0, Augmentation.None);
        Assert.Throws<ArgumentOutOfRangeException>("epoch", () => loader.StartEpoch(-1));
        Assert.Throws<ArgumentOutOfRangeException>("firstBatch", () => loader.StartEpoch(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>("firstBatch", () => loader.StartEpoch(0, 6));
    }

    private static List<Seen> Drain(IBatchLoader loader, int epoch, int firstBatch = 0)
    {
        List<Seen> seen = [];
        loader.StartEpoch(epoch, firstBatch);
        while (loader.TryNext(out Batch? batch, CancellationToken.None))
        {
            int size = batch.Inputs[0].Floats.Length / batch.Count;
            for (int i = 0; i < batch.Count; i++)
            {
                seen.Add(new Seen(
                    batch.Indices.Span[i], batch.Labels.Span[i], batch.Inputs[0].Floats.Slice(i * size, size).ToArray()));
            }
        }

        return seen;
    }

    private static (int Rows, int Columns, bool Flip) Draw(int index, int epoch, int padding, bool flip)
    {
        CounterRandom random = new(Seed, RandomStream.Augmentation, epoch, index);
        int rows = random.NextInteger((2 * padding) + 1);
        int columns = random.NextInteger((2 * padding) + 1);
        return (rows, columns, random.NextInteger(2) == 1 && flip);
    }

    /// <summary>Zeros around the bytes, a window, a mirror, and only then the normalisation, pixel by pixel.</summary>
    private static float[] Naive(ImageDataset dataset, int index, int epoch, int padding, bool flip)
    {
        (int rows, int columns, bool mirror) = Draw(index, epoch, padding, flip);
        (int height, int width) = (dataset.Height, dataset.Width);
        byte[] result = new byte[dataset.Channels * height * width];
        for (int channel = 0; channel < dataset.Channels; channel++)
        {
            byte[,] padded = new byte[height + (2 * padding), width + (2 * padding)];
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    padded[y + padding, x + padding] = dataset.Train.Image(index)[(((channel * height) + y) * width) + x];
                }
            }

            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    int from = mirror ? width - 1 - x : x;
                    result[(((channel * height) + y) * width) + x] = padded[y + rows, from + columns];
                }
            }
        }

        return Normalised(dataset, result);
    }

    private static float[] Normalised(ImageDataset dataset, ReadOnlySpan<byte> image)
    {
        float[] result = new float[image.Length];
        for (int i = 0; i < result.Length; i++)
        {
            int channel = i / (dataset.Height * dataset.Width);
            result[i] = ((image[i] / 255f) - dataset.Mean[channel]) / dataset.StandardDeviation[channel];
        }

        return result;
    }

    private sealed record Seen(int Index, long Label, float[] Pixels)
    {
        public static bool Same(Seen a, Seen b) =>
            a.Index == b.Index && a.Label == b.Label && a.Pixels.AsSpan().SequenceEqual(b.Pixels);
    }
}

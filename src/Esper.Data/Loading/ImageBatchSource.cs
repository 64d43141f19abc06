using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>Fills batches of normalised images, with a random order and augmentation, or with neither.</summary>
internal sealed class ImageBatchSource : IBatchSource
{
    private readonly ImageDataset dataset;
    private readonly ImageExamples examples;
    private readonly ImmutableArray<int> indices;
    private readonly int batchSize;
    private readonly Augmentation augmentation;
    private readonly long? shuffleSeed;
    private readonly PixelNormalizer normalizer;
    private readonly int[] order;
    private readonly Slot[] slots;
    private int epoch;

    /// <param name="dataset">Gives shape and statistics.</param>
    /// <param name="examples">Its training or test part.</param>
    /// <param name="indices">Examples to go through.</param>
    /// <param name="batchSize">Examples in a batch.</param>
    /// <param name="augmentation">Random changes; none without a seed.</param>
    /// <param name="shuffleSeed">
    /// Seed of order and augmentation, with which an incomplete last batch is dropped; null = in order, all.
    /// </param>
    /// <param name="slotCount">Batches that are alive at once.</param>
    public ImageBatchSource(
        ImageDataset dataset, ImageExamples examples, ImmutableArray<int> indices, int batchSize, Augmentation augmentation,
        long? shuffleSeed, int slotCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        ArgumentOutOfRangeException.ThrowIfNegative(augmentation.CropPadding);
        foreach (int index in indices)
        {
            if ((uint)index >= (uint)examples.Count)
            {
                throw new ArgumentOutOfRangeException(nameof(indices), index, $"there are {examples.Count} examples");
            }
        }

        this.dataset = dataset;
        this.examples = examples;
        this.indices = indices;
        this.batchSize = Math.Min(batchSize, Math.Max(1, indices.Length));
        this.augmentation = augmentation;
        this.shuffleSeed = shuffleSeed;
        normalizer = new PixelNormalizer(dataset.Mean, dataset.StandardDeviation);
        order = [.. indices];
        bool keepIncomplete = shuffleSeed is null;
        BatchesPerEpoch = (indices.Length / batchSize) + (keepIncomplete && indices.Length % batchSize > 0 ? 1 : 0);
        ExamplesPerEpoch = keepIncomplete ? indices.Length : BatchesPerEpoch * batchSize;
        slots = [.. Enumerable.Range(0, slotCount).Select(_ => new Slot(this.batchSize, examples.ValuesPerImage))];
    }

    public int BatchesPerEpoch { get; }

    public int ExamplesPerEpoch { get; }

    public void BeginEpoch(int epoch)
    {
        this.epoch = epoch;
        if (shuffleSeed is { } seed)
        {
            indices.CopyTo(order);
            new CounterRandom(seed, RandomStream.Order, epoch).Shuffle(order);
        }
    }

    public Batch Fill(int slot, int batch)
    {
        Slot target = slots[slot];
        int first = batch * batchSize;
        int count = Math.Min(batchSize, order.Length - first);
        int size = examples.ValuesPerImage;
        for (int i = 0; i < count; i++)
        {
            int index = order[first + i];
            target.Indices[i] = index;
            target.Labels[i] = examples.Labels.Span[index];
            FillImage(index, target.Images.AsSpan(i * size, size));
        }

        return target.Take(count, dataset);
    }

    private void FillImage(int index, Span<float> target)
    {
        int padding = augmentation.CropPadding;
        if (shuffleSeed is not { } seed || (padding == 0 && !augmentation.Flip))
        {
            Copy(examples.Image(index), target, rowShift: 0, columnShift: 0, flip: false);
            return;
        }

        // Always three draws, so that a crop does not depend on whether images are flipped too.
        CounterRandom random = new(seed, RandomStream.Augmentation, epoch, index);
        int rowShift = random.NextInteger((2 * padding) + 1) - padding;
        int columnShift = random.NextInteger((2 * padding) + 1) - padding;
        bool flip = random.NextInteger(2) == 1 && augmentation.Flip;
        Copy(examples.Image(index), target, rowShift, columnShift, flip);
    }

    /// <summary>
    /// target[y, x] = source[y + rowShift, x' + columnShift], x' = x or its mirror; zeros (as bytes) outside.
    /// </summary>
    private void Copy(ReadOnlySpan<byte> source, Span<float> target, int rowShift, int columnShift, bool flip)
    {
        (int height, int width) = (dataset.Height, dataset.Width);
        int firstColumn = Math.Clamp(columnShift, 0, width);
        int columns = Math.Max(0, width - Math.Abs(columnShift));
        int outsideLeft = Math.Clamp(-columnShift, 0, width);
        int targetColumn = flip ? width - outsideLeft - columns : outsideLeft;
        for (int row = 0; row < dataset.Channels * height; row++)
        {
            int channel = row / height;
            int sourceRow = (row % height) + rowShift;
            Span<float> line = target.Slice(row * width, width);
            bool inside = (uint)sourceRow < (uint)height;
            if (!inside || columns < width)
            {
                line.Fill(normalizer.Zero(channel));
            }

            if (!inside || columns == 0)
            {
                continue;
            }

            ReadOnlySpan<byte> values = source.Slice((((channel * height) + sourceRow) * width) + firstColumn, columns);
            if (flip)
            {
                normalizer.ConvertReversed(channel, values, line[targetColumn..]);
            }
            else
            {
                normalizer.Convert(channel, values, line[targetColumn..]);
            }
        }
    }

    /// <summary>
    /// Buffers of one batch. The batch over all of them is made once; only an incomplete one is made anew.
    /// </summary>
    private sealed class Slot(int batchSize, int valuesPerImage)
    {
        private Batch? full;

        public float[] Images { get; } =
            GC.AllocateUninitializedArray<float>(checked(batchSize * valuesPerImage), pinned: true);

        public long[] Labels { get; } = GC.AllocateUninitializedArray<long>(batchSize, pinned: true);

        public int[] Indices { get; } = new int[batchSize];

        public Batch Take(int count, ImageDataset shape) =>
            count == Labels.Length ? full ??= Create(count, shape) : Create(count, shape);

        private Batch Create(int count, ImageDataset shape) =>
            new(
                [
                    new BatchInput(
                        "images", Images.AsMemory(0, count * valuesPerImage),
                        [count, shape.Channels, shape.Height, shape.Width]),
                    new BatchInput("labels", Labels.AsMemory(0, count), [count]),
                ],
                Indices.AsMemory(0, count));
    }
}

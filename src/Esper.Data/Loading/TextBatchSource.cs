namespace Esper.Data;

/// <summary>Fills batches of windows of a text, at random places or one after the other.</summary>
internal sealed class TextBatchSource : IBatchSource
{
    private readonly TextDataset dataset;
    private readonly TokenRange range;
    private readonly int context;
    private readonly int batchSize;
    private readonly long? windowSeed;
    private readonly int windows;
    private readonly Slot[] slots;
    private int epoch;

    /// <param name="dataset">The text.</param>
    /// <param name="range">Part of it to use.</param>
    /// <param name="context">Tokens in a window; the one after it is needed too, as the last label.</param>
    /// <param name="batchSize">Windows in a batch.</param>
    /// <param name="windowSeed">
    /// Seed of the places, with which an incomplete last batch is dropped; null = one after the other, all.
    /// </param>
    /// <param name="slotCount">Batches that are alive at once.</param>
    public TextBatchSource(
        TextDataset dataset, TokenRange range, int context, int batchSize, long? windowSeed, int slotCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(context);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        if (range.Start < 0 || range.Length < 0 || (long)range.Start + range.Length > dataset.Tokens.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(range), range, $"there are {dataset.Tokens.Length} tokens");
        }

        windows = range.Length > 0 ? (range.Length - 1) / context : 0;
        if (windows == 0)
        {
            throw new DataException(
                $"{range.Length} tokens from token {range.Start} of the text are fewer than one window of {context} and the token after "
                + "it: use a longer text or a smaller context");
        }

        this.dataset = dataset;
        this.range = range;
        this.context = context;
        this.batchSize = Math.Min(batchSize, windows);
        this.windowSeed = windowSeed;
        bool keepIncomplete = windowSeed is null;
        BatchesPerEpoch = (windows / batchSize) + (keepIncomplete && windows % batchSize > 0 ? 1 : 0);
        ExamplesPerEpoch = keepIncomplete ? windows : BatchesPerEpoch * batchSize;
        slots = [.. Enumerable.Range(0, slotCount).Select(_ => new Slot(this.batchSize, context))];
    }

    public int BatchesPerEpoch { get; }

    public int ExamplesPerEpoch { get; }

    public void BeginEpoch(int epoch) => this.epoch = epoch;

    public Batch Fill(int slot, int batch)
    {
        Slot target = slots[slot];
        int first = batch * batchSize;
        int count = Math.Min(batchSize, windows - first);
        ReadOnlySpan<ushort> text = dataset.Tokens.Span;
        for (int i = 0; i < count; i++)
        {
            int start = StartOf(first + i);
            target.Starts[i] = start;
            ReadOnlySpan<ushort> window = text.Slice(start, context + 1);
            for (int position = 0; position < context; position++)
            {
                target.Tokens[(i * context) + position] = window[position];
                target.Labels[(i * context) + position] = window[position + 1];
            }
        }

        return target.Take(count);
    }

    private int StartOf(int window) =>
        windowSeed is { } seed
            ? range.Start + new CounterRandom(seed, RandomStream.Windows, epoch, window).NextInteger(range.Length - context)
            : range.Start + (window * context);

    /// <summary>
    /// Buffers of one batch. The batch over all of them is made once; only an incomplete one is made anew.
    /// </summary>
    private sealed class Slot(int batchSize, int context)
    {
        private Batch? full;

        public long[] Tokens { get; } = GC.AllocateUninitializedArray<long>(checked(batchSize * context), pinned: true);

        public long[] Labels { get; } = GC.AllocateUninitializedArray<long>(checked(batchSize * context), pinned: true);

        public int[] Starts { get; } = new int[batchSize];

        public Batch Take(int count) => count == Starts.Length ? full ??= Create(count) : Create(count);

        private Batch Create(int count) =>
            new(
                [
                    new BatchInput("tokens", Tokens.AsMemory(0, count * context), [count, context]),
                    new BatchInput("labels", Labels.AsMemory(0, count * context), [count, context]),
                ],
                Starts.AsMemory(0, count));
    }
}

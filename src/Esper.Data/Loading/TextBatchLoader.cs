namespace Esper.Data;

/// <summary>
/// Training batches of a text: windows at random places that depend on (seed, epoch, number of the window in the
/// epoch). An epoch has as many windows as fit side by side into the range, less an incomplete last batch.
/// </summary>
public sealed class TextBatchLoader : BatchLoaderBase
{
    /// <summary>Creates a loader over a part of a text.</summary>
    /// <param name="dataset">The text.</param>
    /// <param name="range">Part of it to use, such as <see cref="TextDataset.Train"/>.</param>
    /// <param name="context">Tokens in a window.</param>
    /// <param name="batchSize">Windows in a batch.</param>
    /// <param name="seed">Seed of the places.</param>
    /// <param name="prefetchDepth">Batches kept ready.</param>
    /// <exception cref="DataException">The range is shorter than a window and the token after it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public TextBatchLoader(
        TextDataset dataset, TokenRange range, int context, int batchSize, long seed, int prefetchDepth = 4)
        : base(Source(dataset, range, context, batchSize, seed, prefetchDepth), prefetchDepth)
    {
    }

    private static TextBatchSource Source(
        TextDataset dataset, TokenRange range, int context, int batchSize, long seed, int prefetchDepth)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(prefetchDepth);
        return new TextBatchSource(dataset, range, context, batchSize, seed, BatchPrefetcher.SlotsFor(prefetchDepth));
    }
}

namespace Esper.Data;

/// <summary>
/// Evaluation batches of a text: windows side by side from the start of the range, each token predicted once; what is
/// left at the end is shorter than a window and is not used. All epochs are alike.
/// </summary>
public sealed class TextEvaluationBatches : BatchLoaderBase
{
    /// <summary>Creates a loader over a part of a text.</summary>
    /// <param name="dataset">The text.</param>
    /// <param name="range">Part of it to use, such as <see cref="TextDataset.Validation"/>.</param>
    /// <param name="context">Tokens in a window.</param>
    /// <param name="batchSize">Windows in a batch; the last one may have fewer.</param>
    /// <param name="prefetchDepth">Batches kept ready.</param>
    /// <exception cref="DataException">The range is shorter than a window and the token after it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public TextEvaluationBatches(TextDataset dataset, TokenRange range, int context, int batchSize, int prefetchDepth = 2)
        : base(Source(dataset, range, context, batchSize, prefetchDepth), prefetchDepth)
    {
    }

    private static TextBatchSource Source(
        TextDataset dataset, TokenRange range, int context, int batchSize, int prefetchDepth)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(prefetchDepth);
        return new TextBatchSource(
            dataset, range, context, batchSize, windowSeed: null, BatchPrefetcher.SlotsFor(prefetchDepth));
    }
}

using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// Evaluation batches of images: in the given order, without augmentation, every example once; all epochs are alike.
/// </summary>
public sealed class ImageEvaluationBatches : BatchLoaderBase
{
    /// <summary>Creates a loader over some examples.</summary>
    /// <param name="dataset">Data set that the examples belong to; gives shape and statistics.</param>
    /// <param name="examples">Its training part (for validation) or its test part.</param>
    /// <param name="indices">Examples to use, in this order.</param>
    /// <param name="batchSize">Examples in a batch; the last one may have fewer.</param>
    /// <param name="prefetchDepth">Batches kept ready.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index or a number is out of range.</exception>
    public ImageEvaluationBatches(
        ImageDataset dataset, ImageExamples examples, ImmutableArray<int> indices, int batchSize, int prefetchDepth = 2)
        : base(Source(dataset, examples, indices, batchSize, prefetchDepth), prefetchDepth)
    {
    }

    private static ImageBatchSource Source(
        ImageDataset dataset, ImageExamples examples, ImmutableArray<int> indices, int batchSize, int prefetchDepth)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(prefetchDepth);
        return new ImageBatchSource(
            dataset, examples, indices, batchSize, Augmentation.None, shuffleSeed: null,
            BatchPrefetcher.SlotsFor(prefetchDepth));
    }
}

using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// Training batches of images: every epoch in another order, an incomplete last batch dropped. Pixels become float32 as
/// (byte / 255 - mean) / deviation; crops are padded with black before that. Order depends on (seed, epoch), an image's
/// augmentation on (seed, epoch, its index), so neither changes with the batch size or the number of batches prepared
/// ahead.
/// </summary>
public sealed class ImageBatchLoader : BatchLoaderBase
{
    /// <summary>Creates a loader over some of a data set's training examples.</summary>
    /// <param name="dataset">Data set whose training part is used.</param>
    /// <param name="indices">Training examples to use, such as <see cref="DataSplit.Train"/>.</param>
    /// <param name="batchSize">Examples in a batch.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="augmentation">Random changes, such as <see cref="ImageDataset.DefaultAugmentation"/>.</param>
    /// <param name="prefetchDepth">Batches kept ready.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index or a number is out of range.</exception>
    public ImageBatchLoader(
        ImageDataset dataset, ImmutableArray<int> indices, int batchSize, long seed, Augmentation augmentation,
        int prefetchDepth = 4)
        : base(Source(dataset, indices, batchSize, seed, augmentation, prefetchDepth), prefetchDepth)
    {
    }

    private static ImageBatchSource Source(
        ImageDataset dataset, ImmutableArray<int> indices, int batchSize, long seed, Augmentation augmentation, int prefetchDepth)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(augmentation);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(prefetchDepth);
        return new ImageBatchSource(
            dataset, dataset.Train, indices, batchSize, augmentation, seed, BatchPrefetcher.SlotsFor(prefetchDepth));
    }
}

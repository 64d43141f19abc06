using System.Diagnostics.CodeAnalysis;

namespace Esper.Data;

/// <summary>A loader made of a source and a prefetcher.</summary>
public abstract class BatchLoaderBase : IBatchLoader
{
    private readonly IBatchSource source;
    private readonly BatchPrefetcher prefetcher;

    private protected BatchLoaderBase(IBatchSource source, int prefetchDepth)
    {
        this.source = source;
        prefetcher = new BatchPrefetcher(source, prefetchDepth, TimeProvider.System);
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch => source.BatchesPerEpoch;

    /// <inheritdoc/>
    public int ExamplesPerEpoch => source.ExamplesPerEpoch;

    /// <inheritdoc/>
    public long WaitNanoseconds => prefetcher.WaitNanoseconds;

    /// <inheritdoc/>
    public LoaderPosition? Position => prefetcher.Position;

    /// <inheritdoc/>
    public void StartEpoch(int epoch, int firstBatch = 0) => prefetcher.StartEpoch(epoch, firstBatch);

    /// <inheritdoc/>
    public bool TryNext([NotNullWhen(true)] out Batch? batch, CancellationToken cancellationToken) =>
        prefetcher.TryNext(out batch, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        prefetcher.Dispose();
        GC.SuppressFinalize(this);
    }
}

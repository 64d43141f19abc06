using System.Diagnostics.CodeAnalysis;

namespace Esper.Data;

/// <summary>
/// A loader whose epochs are parts of another one's: <c>parts</c> epochs in a row go once through the examples. All parts have as many
/// batches; the few that do not divide evenly are left out of that pass, other ones each time where the order is random.
/// </summary>
internal sealed class PassParts : IBatchLoader
{
    private readonly IBatchLoader inner;
    private readonly int parts;
    private int epoch;
    private bool started;

    /// <param name="inner">Goes through all examples in an epoch; disposed of with this.</param>
    /// <param name="parts">Epochs that it is divided into.</param>
    /// <exception cref="DataException">There are fewer batches than parts.</exception>
    public PassParts(IBatchLoader inner, int parts)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parts);
        if (inner.BatchesPerEpoch < parts)
        {
            throw new DataException(
                $"the training examples make {inner.BatchesPerEpoch} batches and cannot be divided into {parts} epochs a pass: use smaller "
                + "batches or fewer epochs a pass");
        }

        this.inner = inner;
        this.parts = parts;
        BatchesPerEpoch = inner.BatchesPerEpoch / parts;
        ExamplesPerEpoch = (int)((long)inner.ExamplesPerEpoch * BatchesPerEpoch / inner.BatchesPerEpoch);
    }

    public int BatchesPerEpoch { get; }

    public int ExamplesPerEpoch { get; }

    public long WaitNanoseconds => inner.WaitNanoseconds;

    public LoaderPosition? Position =>
        started && inner.Position is { } place ? new LoaderPosition(epoch, place.Batch - FirstBatch) : null;

    private int FirstBatch => epoch % parts * BatchesPerEpoch;

    public void StartEpoch(int epoch, int firstBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        (this.epoch, started) = (epoch, true);
        LoaderPosition place = new(epoch / parts, FirstBatch + firstBatch);

        // Where the last part ended, the batches that were prepared ahead are those that come next.
        if (inner.Position != place)
        {
            inner.StartEpoch(place.Epoch, place.Batch);
        }
    }

    public bool TryNext([NotNullWhen(true)] out Batch? batch, CancellationToken cancellationToken)
    {
        if (Position?.Batch >= BatchesPerEpoch)
        {
            batch = null;
            return false;
        }

        return inner.TryNext(out batch, cancellationToken);
    }

    public void Dispose() => inner.Dispose();
}

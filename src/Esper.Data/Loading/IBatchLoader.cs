using System.Diagnostics.CodeAnalysis;

namespace Esper.Data;

/// <summary>
/// Batches of one part of a data set, epoch after epoch, prepared ahead by a thread of the loader's own. One consumer:
/// the methods must not be called from several threads at once, except <see cref="IDisposable.Dispose"/>. The content
/// of an epoch depends on the data, the options and the epoch's number only, never on timing or on what was read
/// before.
/// </summary>
public interface IBatchLoader : IDisposable
{
    /// <summary>Batches of a whole epoch.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>Examples of a whole epoch.</summary>
    int ExamplesPerEpoch { get; }

    /// <summary>
    /// Time that <see cref="TryNext"/> has waited for batches that were not ready, since creation, in nanoseconds.
    /// </summary>
    long WaitNanoseconds { get; }

    /// <summary>Where the next batch comes from; null before the first <see cref="StartEpoch"/>.</summary>
    LoaderPosition? Position { get; }

    /// <summary>Goes to an epoch, whatever was going on before.</summary>
    /// <param name="epoch">Number of the epoch, from 0; decides order and augmentation where these are random.</param>
    /// <param name="firstBatch">
    /// First batch to give out, from 0 to <see cref="BatchesPerEpoch"/>: where a run resumes.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    void StartEpoch(int epoch, int firstBatch = 0);

    /// <summary>
    /// Takes the next batch of the epoch, waiting until it is ready; the one before is not valid any more.
    /// </summary>
    /// <returns>False at the end of the epoch.</returns>
    /// <exception cref="InvalidOperationException">No epoch was started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the loader remains as it was.</exception>
    /// <exception cref="ObjectDisposedException">The loader is disposed of, perhaps while this waited.</exception>
    bool TryNext([NotNullWhen(true)] out Batch? batch, CancellationToken cancellationToken);
}

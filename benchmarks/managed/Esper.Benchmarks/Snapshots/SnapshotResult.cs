namespace Esper.Benchmarks.Snapshots;

/// <summary>Steps behind a snapshot against steps without one; one row of the results.</summary>
/// <param name="Host">Specification in canonical form.</param>
/// <param name="Batch">Examples of a step.</param>
/// <param name="Bytes">Size of the state: parameters, buffers, optimizer.</param>
/// <param name="Ring">Snapshots that live at once.</param>
/// <param name="Pairs">Pairs of steps.</param>
/// <param name="StepMs">Median step without a snapshot in milliseconds.</param>
/// <param name="TakeUs">Median time to take a snapshot in microseconds.</param>
/// <param name="RestoreUs">Median time to restore one in microseconds.</param>
/// <param name="Overhead">
/// Median over the pairs of (snapshot and the step behind it, which copies) to a step without, less 1: a snapshot at every step.
/// </param>
/// <param name="Low">Lower end of its 95 % interval.</param>
/// <param name="High">Upper end of its 95 % interval.</param>
/// <param name="OverheadBest">The same of the shortest of each kind; less moved by what else the machine does.</param>
/// <param name="AmortisedEvery25">Overhead with a snapshot every 25 steps, as training takes them by default.</param>
/// <param name="EqualBits">Whether steps behind a restore repeated the losses in every bit.</param>
internal sealed record SnapshotResult(
    string Host,
    int Batch,
    long Bytes,
    int Ring,
    int Pairs,
    double StepMs,
    double TakeUs,
    double RestoreUs,
    double Overhead,
    double Low,
    double High,
    double OverheadBest,
    double AmortisedEvery25,
    bool EqualBits);

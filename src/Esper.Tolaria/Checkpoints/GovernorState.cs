using System.Collections.Immutable;

namespace Esper.Tolaria.Checkpoints;

/// <summary>What the governor remembers of a run; a rollback does not take it back.</summary>
/// <param name="Losses">Training losses of recent steps within bounds, oldest first.</param>
/// <param name="OutOfBounds">Last steps in a row whose loss was out of bounds.</param>
/// <param name="Faults">Every fault so far, one sentence each.</param>
/// <param name="LastFault">Steps done at the last fault; -1 before the first.</param>
/// <param name="Returns">Times in a row that a fault came back without progress.</param>
/// <param name="RateScale">Factor on the learning rate.</param>
/// <param name="SkippedSteps">Steps whose batches are left out, because a fault came from them.</param>
public sealed record GovernorState(
    ImmutableArray<double> Losses,
    int OutOfBounds,
    ImmutableArray<string> Faults,
    long LastFault,
    int Returns,
    double RateScale,
    ImmutableArray<long> SkippedSteps)
{
    /// <summary>Nothing seen yet.</summary>
    public static GovernorState Empty { get; } = new([], 0, [], -1, 0, 1, []);
}

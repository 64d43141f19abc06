using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Kasmina.Lifecycle;

namespace Esper.Tolaria.Checkpoints;

/// <summary>Running sums of the epoch in progress.</summary>
/// <param name="Steps">Steps done in it.</param>
/// <param name="LossSum">Sum of loss times examples.</param>
/// <param name="Examples">Labels seen.</param>
/// <param name="Correct">Labels predicted.</param>
public sealed record EpochProgress(int Steps, double LossSum, long Examples, long Correct)
{
    /// <summary>Nothing done yet.</summary>
    public static EpochProgress Empty { get; } = new(0, 0, 0, 0);
}

/// <summary>Everything of a run that a checkpoint must hold beside tensors.</summary>
/// <param name="RunId">Identifier of the run.</param>
/// <param name="EpochsDone">Epochs completed, their boundary included.</param>
/// <param name="Step">Steps done since the start.</param>
/// <param name="Progress">The epoch in progress.</param>
/// <param name="TrainFlops">Training operations so far.</param>
/// <param name="Seconds">Wall-clock so far, over all sittings.</param>
/// <param name="History">All completed epochs.</param>
/// <param name="StepMilliseconds">Median step duration of each completed epoch.</param>
/// <param name="Seeds">The lattice.</param>
/// <param name="Governor">What the governor remembers.</param>
/// <param name="OverheadFlops">
/// Those of <paramref name="TrainFlops"/> that no step of the final course took: probes, checks, forks, and what rollbacks made void.
/// </param>
/// <param name="Control">The control around the policy; null in checkpoints from before there was any.</param>
public sealed record RunState(
    string RunId,
    int EpochsDone,
    long Step,
    EpochProgress Progress,
    double TrainFlops,
    double Seconds,
    ImmutableArray<EpochObservation> History,
    ImmutableArray<double> StepMilliseconds,
    ImmutableArray<SeedSnapshot> Seeds,
    GovernorState Governor,
    double OverheadFlops,
    ControlState? Control = null)
{
    /// <summary>The last training steps, oldest first.</summary>
    public ImmutableArray<StepObservation> RecentSteps { get; init; } = [];
}

using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Control;

/// <summary>What an epoch looked like to a policy. Training and validation figures only: the test set is never seen by a decision.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="TrainLoss">Mean training loss.</param>
/// <param name="TrainAccuracy">Training accuracy, on augmented data, in [0, 1].</param>
/// <param name="ValidationLoss">Mean validation loss at its end.</param>
/// <param name="ValidationAccuracy">Validation accuracy at its end, in [0, 1].</param>
public sealed record EpochObservation(
    int Epoch, double TrainLoss, double TrainAccuracy, double ValidationLoss, double ValidationAccuracy);

/// <summary>First-order value of growing at a seed, from a gradient probe on two independent halves of data.</summary>
/// <param name="Signal">
/// Loss (nats) that a linear module of unit norm would remove to first order: the root of the unbiased squared gradient norm, 0
/// where the estimate is negative.
/// </param>
/// <param name="Agreement">Cosine between the gradients of the two halves; near 0 means the signal is noise.</param>
public readonly record struct GrowthSignal(double Signal, double Agreement)
{
    /// <summary>What the chunk itself looks like on the same data; null in a record from before it was measured.</summary>
    public ChunkSignals? Chunk { get; init; }
}

/// <summary>What the channels of a chunk do in the host, with or without a module on it.</summary>
/// <param name="Variance">Mean over the channels of their variance over examples and positions.</param>
/// <param name="Redundancy">
/// Mean absolute correlation of two different channels that vary, in [0, 1]: near 1 all of them say the same. 0 with fewer than two.
/// </param>
/// <param name="DeadFraction">Share of channels that do not vary, in [0, 1].</param>
public sealed record ChunkSignals(double Variance, double Redundancy, double DeadFraction);

/// <summary>What the machine says. It differs from run to run, and so do decisions that rest on it.</summary>
/// <param name="StepMilliseconds">Median duration of a training step in the epoch that has ended; null where none was taken.</param>
/// <param name="FreeBytes">Memory that can still be had; null where not measured.</param>
/// <param name="TotalBytes">Memory of the machine, within the limits of the process; null where not measured.</param>
public sealed record MachineObservation(double? StepMilliseconds, double? FreeBytes, double? TotalBytes);

/// <summary>What a module's telemetry said over the epoch that has ended: means over the steps in which it was measured.</summary>
/// <param name="Samples">Steps in which it was measured, at least 1.</param>
/// <param name="GradientNorm">Norm of the gradient of the module's parameters, before clipping.</param>
/// <param name="GradientRatio">
/// RMS of that gradient over the RMS of the gradient of the host parameters that produce the chunk; null where the site has no producer.
/// </param>
/// <param name="ActivationRatio">RMS of g(x) over RMS of x.</param>
/// <param name="Variance">Variance of g(x) over the chunk.</param>
/// <param name="DeadFraction">
/// Share of hidden units that let no gradient through, in [0, 1]; null for families without hidden units.
/// </param>
/// <param name="Alignment">Cosine of dL/dy and g(x); negative = the module lowers the loss.</param>
/// <param name="SignStability">
/// How steadily the loss pulls alpha one way: the absolute mean sign of dL/dalpha, whose sign is that of <paramref name="Alignment"/>.
/// 1 = always the same way, 0 = as often up as down.
/// </param>
public sealed record SeedSignals(
    int Samples,
    double GradientNorm,
    double? GradientRatio,
    double ActivationRatio,
    double Variance,
    double? DeadFraction,
    double Alignment,
    double SignStability);

/// <summary>A seed as a policy sees it.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Stage">Its stage.</param>
/// <param name="Age">Epochs in the stage.</param>
/// <param name="Channels">Channels in its chunk.</param>
/// <param name="Blueprint">Blueprint of its module; null without one.</param>
/// <param name="RejectedBlueprints">Blueprints that were culled here before.</param>
/// <param name="Affordable">Blueprints, in order of preference, that the budget allows here now.</param>
/// <param name="LossGain">Measured gain in validation loss (nats), pooled; null before the first evaluation.</param>
/// <param name="GainEvaluations">Evaluations pooled in <paramref name="LossGain"/>.</param>
/// <param name="RequiredEvaluations">Evaluations that G5 asks for.</param>
/// <param name="RequiredGain">Gain (nats) that pays for the module's cost, as G5 asks.</param>
/// <param name="Growth">Result of the probe; null where none was taken.</param>
/// <param name="Alpha">Blend weight, in [0, 1].</param>
/// <param name="Positions">Positions an example at the site: what a blueprint's operations are counted with.</param>
/// <param name="Signals">Telemetry of the epoch that has ended; null where its module was not measured in it.</param>
public sealed record SeedObservation(
    SeedId Seed,
    SeedStage Stage,
    int Age,
    int Channels,
    string? Blueprint,
    ImmutableArray<string> RejectedBlueprints,
    ImmutableArray<string> Affordable,
    Estimate? LossGain,
    int GainEvaluations,
    int RequiredEvaluations,
    double RequiredGain,
    GrowthSignal? Growth,
    double Alpha,
    long Positions,
    SeedSignals? Signals);

/// <summary>What the host costs and what modules may still add.</summary>
/// <param name="HostParameters">Trained parameters of the bare host.</param>
/// <param name="HostFlops">Forward operations an example of the bare host.</param>
/// <param name="ParametersLeft">Parameters that may still be added.</param>
/// <param name="FlopsLeft">Forward operations an example that may still be added.</param>
public sealed record GrowthAllowance(long HostParameters, long HostFlops, double ParametersLeft, double FlopsLeft);

/// <summary>
/// Everything that a decision may rest on, at the end of an epoch. It is complete: the same state gives the same decision, in the
/// run, after a resume and in a replay. <see cref="SystemStateRules"/> says what a state must satisfy.
/// </summary>
/// <param name="Epoch">Epochs done.</param>
/// <param name="TotalEpochs">Epochs of the whole run.</param>
/// <param name="RunSeed">Seed of the run's random choices.</param>
/// <param name="History">All epochs so far, oldest first.</param>
/// <param name="Seeds">All seeds, in order.</param>
/// <param name="Outcomes">All grafts of the run so far, in order of germination.</param>
/// <param name="Allowance">Costs and what is left of the budget.</param>
public sealed record SystemState(
    int Epoch,
    int TotalEpochs,
    long RunSeed,
    ImmutableArray<EpochObservation> History,
    ImmutableArray<SeedObservation> Seeds,
    ImmutableArray<GraftOutcome> Outcomes,
    GrowthAllowance Allowance)
{
    /// <summary>Lengths of the windows of <see cref="Trends"/>, in epochs.</summary>
    public static ImmutableArray<int> TrendWindows { get; } = [3, 8];

    /// <summary>The last training steps, one entry for each window of <see cref="StepWindow.Lengths"/> that they fill.</summary>
    public ImmutableArray<StepWindow> Steps { get; init; } = [];

    /// <summary>The machine; null unless <c>policy.observe_machine</c> is set, so that a run can be repeated.</summary>
    public MachineObservation? Machine { get; init; }

    /// <summary>Number of seeds between Germinated and Holding.</summary>
    public int LiveSeeds => Seeds.Count(seed => seed.Stage.IsLive());

    /// <summary>Slopes and noise of the figures of <see cref="History"/>, computed from it, one entry a window.</summary>
    public ImmutableArray<WindowTrends> Trends =>
        [.. TrendWindows.Select(window => WindowTrends.Of(History.AsSpan(), window))];
}

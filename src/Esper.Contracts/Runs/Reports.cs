using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Runs;

/// <summary>Progress within an epoch.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="StepInEpoch">Steps done in this epoch, from 1.</param>
/// <param name="StepsPerEpoch">Steps in an epoch.</param>
/// <param name="Step">Steps done since the start of training.</param>
/// <param name="Loss">Training loss of the step's batch, mean over examples.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
/// <param name="StepSeconds">Duration of the step.</param>
public readonly record struct StepReport(
    int Epoch, int StepInEpoch, int StepsPerEpoch, long Step, double Loss, double LearningRate, double StepSeconds);

/// <summary>A seed as it stands at the end of an epoch.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Stage">Its stage.</param>
/// <param name="Alpha">Blend weight in [0, 1].</param>
/// <param name="Age">Epochs in the stage.</param>
/// <param name="Blueprint">Name of its blueprint, null without a module.</param>
/// <param name="Parameters">Number of its parameters, 0 without a module.</param>
/// <param name="ActivationRatio">RMS of g(x) over RMS of x in its chunk; null if the module was not evaluated.</param>
/// <param name="GradientRatio">
/// RMS gradient of the newborn's parameters over that of the host parameters which produce its chunk; null if not measured.
/// </param>
/// <param name="Alignment">Cosine of dL/dy and g(x); negative means the module lowers the loss. Null if not measured.</param>
/// <param name="Gain">
/// Validation accuracy with the seed minus without it (alpha 0), in [-1, 1]; null if not measured.
/// </param>
/// <param name="GainInterval">Half width of the gain's 95 % confidence interval; null if not measured.</param>
/// <param name="DeadFraction">
/// Share of the module's hidden units that let no gradient through, mean over the epoch's measurements, in [0, 1]; null if not measured
/// and for families without hidden units. Records from before it was measured have none.
/// </param>
public sealed record SeedReport(
    SeedId Seed,
    SeedStage Stage,
    double Alpha,
    int Age,
    string? Blueprint,
    long Parameters,
    double? ActivationRatio,
    double? GradientRatio,
    double? Alignment,
    double? Gain,
    double? GainInterval,
    double? DeadFraction = null);

/// <summary>What an epoch brought.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="Step">Steps done since the start of training.</param>
/// <param name="TrainLoss">Mean training loss over the epoch.</param>
/// <param name="TrainAccuracy">Training accuracy over the epoch, on augmented images, in [0, 1].</param>
/// <param name="ValidationLoss">Mean validation loss at the end of the epoch.</param>
/// <param name="ValidationAccuracy">Validation accuracy at the end of the epoch, in [0, 1].</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="Parameters">Trained parameters at the end of the epoch, modules included.</param>
/// <param name="TrainFlops">Training operations since the start of the run (forward, and backward at twice that).</param>
/// <param name="StepMilliseconds">Median duration of a step in this epoch.</param>
/// <param name="DataWaitMilliseconds">Time that steps of this epoch waited for data, summed.</param>
/// <param name="Seconds">Duration of the epoch, evaluation included.</param>
/// <param name="Seeds">All seeds, in order.</param>
public sealed record EpochReport(
    int Epoch,
    long Step,
    double TrainLoss,
    double TrainAccuracy,
    double ValidationLoss,
    double ValidationAccuracy,
    double LearningRate,
    long Parameters,
    double TrainFlops,
    double StepMilliseconds,
    double DataWaitMilliseconds,
    double Seconds,
    ImmutableArray<SeedReport> Seeds);

/// <summary>A change of a seed's stage, or a refusal of one.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Epoch">Epochs completed when it happened.</param>
/// <param name="Step">Steps done when it happened.</param>
/// <param name="Seed">The seed.</param>
/// <param name="From">Stage before.</param>
/// <param name="To">Stage after; equal to <paramref name="From"/> for a refusal.</param>
/// <param name="Blueprint">Blueprint concerned, if any.</param>
/// <param name="CommandId">Command that caused it; null for a step that the lifecycle takes by itself.</param>
/// <param name="Issuer">Who caused it.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Verdict">The gate's verdict, where one was asked.</param>
/// <param name="Risk">The risk engine's verdict, where it was asked.</param>
/// <param name="Refusal">Why the guard turned the command away; null where it did not.</param>
public sealed record LifecycleEvent(
    DateTimeOffset Time,
    int Epoch,
    long Step,
    SeedId Seed,
    SeedStage From,
    SeedStage To,
    string? Blueprint,
    string? CommandId,
    string Issuer,
    string Reason,
    GateVerdict? Verdict,
    RiskVerdict? Risk = null,
    CommandRefusal? Refusal = null);

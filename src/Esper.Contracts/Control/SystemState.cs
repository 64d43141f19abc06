using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Control;

/// <summary>What an epoch looked like to a policy. Validation figures only: the test set is never seen by a decision.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="TrainLoss">Mean training loss.</param>
/// <param name="ValidationLoss">Mean validation loss at its end.</param>
/// <param name="ValidationAccuracy">Validation accuracy at its end, in [0, 1].</param>
public sealed record EpochObservation(int Epoch, double TrainLoss, double ValidationLoss, double ValidationAccuracy);

/// <summary>A mean with the half width of its 95 % confidence interval.</summary>
/// <param name="Mean">The estimate.</param>
/// <param name="HalfWidth">Half width of the interval.</param>
public readonly record struct Estimate(double Mean, double HalfWidth)
{
    /// <summary>Lower end of the interval.</summary>
    public double Lower => Mean - HalfWidth;

    /// <summary>Upper end of the interval.</summary>
    public double Upper => Mean + HalfWidth;
}

/// <summary>First-order value of growing at a seed, from a gradient probe on two independent halves of data.</summary>
/// <param name="Signal">
/// Loss (nats) that a linear module of unit norm would remove to first order: the root of the unbiased squared gradient norm, 0
/// where the estimate is negative.
/// </param>
/// <param name="Agreement">Cosine between the gradients of the two halves; near 0 means the signal is noise.</param>
public readonly record struct GrowthSignal(double Signal, double Agreement);

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
/// <param name="Growth">Result of the probe; null where none was taken or the seed is not dormant.</param>
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
    GrowthSignal? Growth);

/// <summary>Everything that a decision may rest on, at the end of an epoch.</summary>
/// <param name="Epoch">Epochs done.</param>
/// <param name="TotalEpochs">Epochs of the whole run.</param>
/// <param name="RunSeed">Seed of the run's random choices.</param>
/// <param name="History">All epochs so far, oldest first.</param>
/// <param name="Seeds">All seeds, in order.</param>
public sealed record SystemState(
    int Epoch,
    int TotalEpochs,
    long RunSeed,
    ImmutableArray<EpochObservation> History,
    ImmutableArray<SeedObservation> Seeds)
{
    /// <summary>Number of seeds between Germinated and Holding.</summary>
    public int LiveSeeds => Seeds.Count(seed => seed.Stage.IsLive());
}

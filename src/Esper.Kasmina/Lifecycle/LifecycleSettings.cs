using System.Collections.Immutable;

namespace Esper.Kasmina.Lifecycle;

/// <summary>What a lifecycle needs to know of the run it works in.</summary>
/// <param name="Options">Stages, ramps and thresholds.</param>
/// <param name="Blueprints">Names of the blueprints allowed, in order of preference.</param>
/// <param name="RunSeed">Seed of the run's random choices; keys the initial parameters of modules.</param>
/// <param name="StepsPerEpoch">Training steps in an epoch.</param>
/// <param name="BatchSize">Examples in a batch, for the unit of kappa.</param>
/// <param name="HostParameters">Trained parameters of the bare host, for the rent.</param>
/// <param name="Budget">What modules may add together.</param>
public sealed record LifecycleSettings(
    LifecycleOptions Options,
    ImmutableArray<string> Blueprints,
    long RunSeed,
    int StepsPerEpoch,
    int BatchSize,
    long HostParameters,
    GrowthBudget Budget);

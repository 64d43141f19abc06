using System.Collections.Immutable;

namespace Esper.Contracts.Lifecycle;

/// <summary>What a module costs at the seed concerned.</summary>
/// <param name="Blueprint">Name of the blueprint.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Flops">Its forward operations for one example.</param>
public sealed record ModuleOption(string Blueprint, long Parameters, long Flops);

/// <summary>A change of stage that is about to be made, as the risk engine sees it. What was not measured is null, never a number.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="From">Stage now.</param>
/// <param name="To">Stage asked for.</param>
/// <param name="Module">The module concerned, with its cost.</param>
/// <param name="Alternatives">For a germination: other blueprints allowed and fit for the site, in order of preference; otherwise empty.</param>
/// <param name="Issuer">Who asks.</param>
/// <param name="CommandId">The command; null for a step that the lifecycle takes by itself.</param>
/// <param name="Confidence">How sure the issuer is, in [0, 1]; null if it does not say.</param>
/// <param name="ParametersLeft">Parameters that modules may still add.</param>
/// <param name="FlopsLeft">Forward operations an example that modules may still add.</param>
/// <param name="ParameterBudget">Parameters that modules may add in all.</param>
/// <param name="FlopBudget">Forward operations an example that modules may add in all.</param>
/// <param name="GradientRatio">RMS gradient newborn over host in this epoch; null where not measured.</param>
/// <param name="Isolation">Cosine of the host's gradients with and without the module; null where not measured.</param>
public sealed record LifecycleChange(
    SeedId Seed,
    SeedStage From,
    SeedStage To,
    ModuleOption Module,
    ImmutableArray<ModuleOption> Alternatives,
    string Issuer,
    string? CommandId,
    double? Confidence,
    double ParametersLeft,
    double FlopsLeft,
    double ParameterBudget,
    double FlopBudget,
    double? GradientRatio,
    double? Isolation);

/// <summary>What the run looks like at the moment of a change.</summary>
/// <param name="ValidationLosses">Validation losses (nats) of the last epochs, oldest first, the one that has just ended last.</param>
/// <param name="StepMilliseconds">Median duration of a training step in the epoch; a wall-clock time. Null where not measured.</param>
/// <param name="FreeBytes">Memory that can still be had on the device; null where not measured.</param>
/// <param name="TotalBytes">Memory of the device, within the limits set for the process; null where not known.</param>
public sealed record RiskConditions(
    ImmutableArray<double> ValidationLosses, double? StepMilliseconds, double? FreeBytes, double? TotalBytes)
{
    /// <summary>What the run's governor sees; null in a run without one.</summary>
    public FaultWatch? Watch { get; init; }

    /// <summary>Nothing was measured: every rule that needs a condition refuses.</summary>
    public static RiskConditions None { get; } = new([], null, null, null);
}

/// <summary>How sound a run is at the moment.</summary>
/// <param name="StepsOutOfBounds">Last steps in a row whose training loss was out of bounds.</param>
/// <param name="StepsSinceFault">Steps since the last fault that the run was taken back for; null if there was none.</param>
/// <param name="ProbationSteps">Steps after a fault in which nothing is to advance.</param>
public sealed record FaultWatch(int StepsOutOfBounds, long? StepsSinceFault, int ProbationSteps);

/// <summary>Everything that a verdict rests on; the same inputs and thresholds give the same verdict, whenever they are judged.</summary>
/// <param name="Change">The change.</param>
/// <param name="Conditions">The run.</param>
/// <param name="Quarantined">Blueprints that are quarantined at the seed's site.</param>
public sealed record RiskInputs(LifecycleChange Change, RiskConditions Conditions, ImmutableArray<string> Quarantined);

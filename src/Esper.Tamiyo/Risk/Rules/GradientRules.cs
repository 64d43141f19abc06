using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>What the two rules on a newborn's gradient share.</summary>
/// <param name="name">Name of the rule.</param>
public abstract class GradientRule(string name)
    : RiskRule(name, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized)
{
    private protected const string Ratio = "gradient ratio newborn/host";

    /// <inheritdoc/>
    public sealed override ImmutableArray<string> Inputs { get; } = [Ratio];

    /// <inheritdoc/>
    public sealed override RiskFinding Evaluate(RiskInputs inputs) => inputs.Change.GradientRatio is { } ratio
        ? Judge(ratio)
        : Lacks(Ratio, "no step of this epoch measured the module; telemetry.seed_every_steps must be above 0 and below the steps of an epoch");

    /// <summary>Judges the ratio.</summary>
    protected abstract RiskFinding Judge(double ratio);
}

/// <summary>A newborn whose gradients dwarf the host's is about to blow up: it goes, and so does its arm.</summary>
/// <param name="maximum">Greatest ratio of root mean squares.</param>
public sealed class GradientExplosionRule(double maximum) : GradientRule("gradient-explosion")
{
    /// <inheritdoc/>
    protected override RiskFinding Judge(double ratio) => Judge(RiskAction.Quarantine, AtMost(Ratio, ratio, maximum));
}

/// <summary>A newborn without gradient does not learn, however present it is in the forward pass: it waits.</summary>
/// <param name="minimum">Least ratio of root mean squares.</param>
public sealed class GradientStarvationRule(double minimum) : GradientRule("gradient-starvation")
{
    /// <inheritdoc/>
    protected override RiskFinding Judge(double ratio) => Judge(RiskAction.Hold, AtLeast(Ratio, ratio, minimum));
}

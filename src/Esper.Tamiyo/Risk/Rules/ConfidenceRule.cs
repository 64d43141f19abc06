using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A command whose issuer is not sure enough waits. Steps that the lifecycle takes by itself are not asked.</summary>
/// <param name="minimum">Least confidence, in [0, 1].</param>
public sealed class ConfidenceRule(double minimum) : RiskRule("confidence", SeedStage.Germinated, SeedStage.Fossilized)
{
    private const string Confidence = "confidence of the command";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [Confidence];

    /// <inheritdoc/>
    public override bool Concerns(LifecycleChange change) => base.Concerns(change) && change.CommandId is not null;

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs) => inputs.Change.Confidence is { } confidence
        ? Judge(RiskAction.Hold, AtLeast(Confidence, confidence, minimum))
        : Lacks(Confidence, $"'{inputs.Change.Issuer}' does not say how sure it is");
}

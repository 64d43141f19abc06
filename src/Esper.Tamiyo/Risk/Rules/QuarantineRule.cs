using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A blueprint that is quarantined at a site does not germinate there again. Always on.</summary>
public sealed class QuarantineRule() : RiskRule("quarantine", SeedStage.Germinated)
{
    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = ["quarantined blueprints"];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs)
    {
        LifecycleChange change = inputs.Change;
        return inputs.Quarantined.Contains(change.Module.Blueprint)
            ? new RiskFinding(
                Name, RiskAction.Hold, $"'{change.Module.Blueprint}' is quarantined at site {change.Seed.Site}", null, [])
            : Judge(RiskAction.Hold);
    }
}

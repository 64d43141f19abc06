using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk;

/// <summary>
/// Judges changes by its rules, apart from whoever asks for them and whoever measures them. Pure: the same inputs give the same
/// verdict. Every rule that concerns a change is asked and listed; the first one that does not allow decides.
/// </summary>
/// <param name="rules">The rules in the order in which they decide.</param>
public sealed class RiskEngine(ImmutableArray<RiskRule> rules)
{
    /// <summary>The rules in the order in which they decide.</summary>
    public ImmutableArray<RiskRule> Rules => rules;

    /// <summary>Judges a change.</summary>
    public RiskVerdict Assess(RiskInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ImmutableArray<RiskFinding> findings = Evaluate(inputs);
        SeedStage target = inputs.Change.To;
        RiskFinding? decisive = findings.FirstOrDefault(finding => finding.Action != RiskAction.Allow);
        if (decisive is null)
        {
            return new RiskVerdict(target, RiskAction.Allow, null, "every rule allows it", null, findings, inputs);
        }

        if (decisive.Action != RiskAction.Downgrade)
        {
            return new RiskVerdict(target, decisive.Action, decisive.Rule, decisive.Reason, null, findings, inputs);
        }

        string? instead = Alternative(inputs);
        return instead is null
            ? new RiskVerdict(
                target, RiskAction.Hold, decisive.Rule, $"{decisive.Reason}; no other blueprint passes here", null, findings, inputs)
            : new RiskVerdict(target, RiskAction.Downgrade, decisive.Rule, decisive.Reason, instead, findings, inputs);
    }

    // What takes the place of a blueprint must itself pass every rule, so that a downgrade lets nothing through.
    private string? Alternative(RiskInputs inputs)
    {
        foreach (ModuleOption option in inputs.Change.Alternatives)
        {
            RiskInputs other = inputs with { Change = inputs.Change with { Module = option } };
            if (Evaluate(other).All(finding => finding.Action == RiskAction.Allow))
            {
                return option.Blueprint;
            }
        }

        return null;
    }

    private ImmutableArray<RiskFinding> Evaluate(RiskInputs inputs) =>
        [.. rules.Where(rule => rule.Concerns(inputs.Change)).Select(rule => rule.Evaluate(inputs))];
}

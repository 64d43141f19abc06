using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A module must fit what is left of the budgets, less the reserve; otherwise a cheaper one takes its place.</summary>
/// <param name="reserve">Share of each budget that stays untouched, in [0, 1].</param>
public sealed class BudgetRule(double reserve) : RiskRule("budget", SeedStage.Germinated)
{
    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = ["parameter budget", "FLOP budget"];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs)
    {
        LifecycleChange change = inputs.Change;
        return Judge(
            RiskAction.Downgrade,
            AtMost("parameters of the module", change.Module.Parameters, change.ParametersLeft - (reserve * change.ParameterBudget)),
            AtMost("forward FLOPs of the module", change.Module.Flops, change.FlopsLeft - (reserve * change.FlopBudget)));
    }
}

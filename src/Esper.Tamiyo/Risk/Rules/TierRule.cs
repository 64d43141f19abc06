using System.Collections.Immutable;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A blueprint above the highest tier allowed gives way to a safer one.</summary>
/// <param name="maximum">Highest tier allowed.</param>
public sealed class TierRule(RiskTier maximum) : RiskRule("tier", SeedStage.Germinated)
{
    private const string Tier = "risk tier of the blueprint";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [Tier];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs)
    {
        RiskTier tier;
        try
        {
            tier = Blueprint.Parse(inputs.Change.Module.Blueprint).RiskTier;
        }
        catch (FormatException error)
        {
            return Lacks(Tier, error.Message);
        }

        return Judge(RiskAction.Downgrade, AtMost($"{Tier} (0 low, 1 medium, 2 high)", (int)tier, (int)maximum));
    }
}

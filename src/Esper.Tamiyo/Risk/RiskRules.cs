using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Tamiyo.Risk.Rules;

namespace Esper.Tamiyo.Risk;

/// <summary>
/// The rules in the order in which they decide: what damages the model before what endangers the run, that before what costs, and
/// taste last.
/// </summary>
public static class RiskRules
{
    /// <summary>Names of the tiers.</summary>
    public static ImmutableArray<string> TierNames { get; } =
        [.. Enum.GetNames<RiskTier>().Select(name => name.ToLowerInvariant())];

    /// <summary>The rules that are on.</summary>
    /// <exception cref="EsperException">There is no such tier.</exception>
    public static ImmutableArray<RiskRule> Of(RiskOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImmutableArray<RiskRule>.Builder rules = ImmutableArray.CreateBuilder<RiskRule>();
        void Add(double? threshold, Func<double, RiskRule> create)
        {
            if (threshold is { } value)
            {
                rules.Add(create(value));
            }
        }

        rules.Add(new QuarantineRule());
        rules.Add(new FaultRule());
        Add(options.IsolationMinimum, minimum => new IsolationRule(minimum));
        Add(options.GradientRatioMaximum, maximum => new GradientExplosionRule(maximum));
        Add(options.LossSpikeMaximum ?? options.LossSpikeRollback, maximum => new LossSpikeRule(maximum, options.LossSpikeRollback));
        Add(options.LossVolatilityMaximum, maximum => new LossVolatilityRule(maximum));
        Add(options.GradientRatioMinimum, minimum => new GradientStarvationRule(minimum));
        Add(options.MemoryHeadroomMinimum, minimum => new MemoryHeadroomRule(minimum));
        Add(options.StepMsMaximum, maximum => new LatencyRule(maximum));
        Add(options.BudgetReserve, reserve => new BudgetRule(reserve));
        if (options.TierMaximum is { } tier)
        {
            rules.Add(new TierRule(TierOf(tier)));
        }

        Add(options.ConfidenceMinimum, minimum => new ConfidenceRule(minimum));
        return rules.ToImmutable();
    }

    private static RiskTier TierOf(string name) => TierNames.IndexOf(name) is >= 0 and int tier
        ? (RiskTier)tier
        : throw new EsperException($"risk.tier_maximum: '{name}' is unknown; known are {string.Join(", ", TierNames)}.");
}

using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>
/// What the two rules on the loss share. They are asked where the function starts to change or becomes permanent; a module that
/// germinates, trains or holds changes nothing that was not changed before.
/// </summary>
/// <param name="name">Name of the rule.</param>
public abstract class LossRule(string name) : RiskRule(name, SeedStage.Blending, SeedStage.Fossilized)
{
    private const string History = "history of validation losses";

    /// <inheritdoc/>
    public sealed override ImmutableArray<string> Inputs { get; } = [History];

    /// <inheritdoc/>
    public sealed override RiskFinding Evaluate(RiskInputs inputs)
    {
        ImmutableArray<double> losses = inputs.Conditions.ValidationLosses;
        if (losses.Length < LossTrend.FewestLosses)
        {
            return Lacks(History, $"{losses.Length} epochs in a row with a finite loss are known, a trend needs {LossTrend.FewestLosses}");
        }

        int broken = losses.Count(loss => !double.IsFinite(loss));
        return broken == 0
            ? Judge(LossTrend.Of(losses))
            : Lacks(History, $"{broken} of {losses.Length} losses are no numbers");
    }

    /// <summary>Judges the trend.</summary>
    protected abstract RiskFinding Judge(LossTrend trend);
}

/// <summary>Nothing is blended in or made permanent right after the loss has leapt; a leap beyond the second threshold undoes the last epochs.</summary>
/// <param name="maximum">Greatest deviation that is let pass, in robust standard deviations.</param>
/// <param name="rollback">Greatest deviation that is not rolled back; null = none is.</param>
public sealed class LossSpikeRule(double maximum, double? rollback) : LossRule("loss-spike")
{
    private const string Deviation = "last change of validation loss (robust standard deviations)";

    /// <inheritdoc/>
    protected override RiskFinding Judge(LossTrend trend)
    {
        double deviation = trend.Deviation;
        return rollback is { } limit && !(deviation <= limit)
            ? Judge(RiskAction.RollBack, AtMost(Deviation, deviation, limit))
            : Judge(RiskAction.Hold, AtMost(Deviation, deviation, maximum));
    }
}

/// <summary>Nothing is blended in or made permanent while the loss swings: what it did could not be told from noise.</summary>
/// <param name="maximum">Greatest robust standard deviation of the relative changes.</param>
public sealed class LossVolatilityRule(double maximum) : LossRule("loss-volatility")
{
    /// <inheritdoc/>
    protected override RiskFinding Judge(LossTrend trend) => Judge(
        RiskAction.Hold, AtMost("robust standard deviation of the relative changes of validation loss", trend.Scale, maximum));
}

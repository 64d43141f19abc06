using System.Collections.Immutable;
using System.Globalization;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Experiments;

/// <summary>The rules for verdicts: their words, written into the plan, and their application.</summary>
public static class ClaimJudge
{
    /// <summary>Kinds of claims.</summary>
    public static ImmutableArray<string> Kinds { get; } = ["superiority", "non-inferiority", "within"];

    /// <summary>The rule in words.</summary>
    public static string RuleOf(
        string a, ImmutableArray<string> b, string metric, double marginPoints, CostLimit atMost, string interval)
    {
        ArgumentNullException.ThrowIfNull(atMost);
        string against = b.Length == 1 ? $"'{b[0]}'" : "each of " + string.Join(", ", b.Select(name => $"'{name}'"));
        string threshold = (0 - marginPoints).ToString("0.###", CultureInfo.InvariantCulture);
        string costs = string.Concat(Costs(atMost).Select(cost => string.Create(
            CultureInfo.InvariantCulture, $", and the mean {cost.Name} of '{a}' are at most {cost.Limit:0.####} times those of the other")));
        return $"supported if, for {against}, the lower end of the 95 % interval ({(interval == "t" ? "Student's t" : "percentile bootstrap")}) "
            + $"of the difference in {metric} '{a}' minus the other, paired over all seeds, is above {threshold} points{costs}; "
            + "refuted if for one of them the upper end is not above that; otherwise not supported";
    }

    /// <summary>Judges a claim.</summary>
    internal static ClaimResult Judge(
        PlannedClaim claim, int seeds, Func<string, ArmData> find, (double From, double To)? axis)
    {
        Part[] parts = [.. claim.B.Select(b => JudgeAgainst(claim, seeds, find(claim.A), find(b), axis))];
        string verdict = parts.Any(part => part.Verdict == Verdicts.None) ? Verdicts.None
            : parts.Any(part => part.Verdict == Verdicts.Refuted) ? Verdicts.Refuted
            : parts.All(part => part.Verdict == Verdicts.Supported) ? Verdicts.Supported
            : Verdicts.NotSupported;
        return new ClaimResult(
            claim.Name, claim.Text, claim.Rule, verdict, string.Join(" ", parts.Select(part => part.Reason)), [.. parts.Select(part => part.Pair)]);
    }

    private static Part JudgeAgainst(PlannedClaim claim, int seeds, ArmData a, ArmData b, (double From, double To)? axis)
    {
        PairResult pair = ExperimentAnalysis.Compare(
            a, b, claim.Metric, axis, values => claim.Interval == "t" ? MeanEstimate.Of(values) : MeanEstimate.Bootstrap(values));
        if (pair.Seeds.Length < seeds || pair.Difference is not { Low: { } low, High: { } high } difference)
        {
            string reason = seeds < 2
                ? "One seed has no interval."
                : $"{pair.Seeds.Length} of {seeds} pairs with '{b.Name}' are there.";
            return new Part(pair, Verdicts.None, reason);
        }

        double threshold = -claim.MarginPoints / 100;
        (string Name, double Limit, double Ratio)[] costs =
        [
            .. Costs(claim.AtMost).Select(cost => (cost.Name, cost.Limit, a.Points.Average(cost.Of) / b.Points.Average(cost.Of))),
        ];
        bool paid = costs.All(cost => cost.Ratio <= cost.Limit);
        string verdict = high <= threshold ? Verdicts.Refuted : low > threshold && paid ? Verdicts.Supported : Verdicts.NotSupported;
        string text = $"Against '{b.Name}': {HumanText.Points(difference.Mean)} "
            + $"[{HumanText.Points(low)}, {HumanText.Points(high)}], {pair.Seeds.Length} pairs"
            + string.Concat(costs.Select(cost => string.Create(
                CultureInfo.InvariantCulture, $", {cost.Ratio:0.###} times its {cost.Name} (at most {cost.Limit:0.####})"))) + ".";
        return new Part(pair, verdict, text);
    }

    private static IEnumerable<(string Name, double Limit, Func<ArmPoint, double> Of)> Costs(CostLimit limit)
    {
        if (limit.TrainFlops is { } flops)
        {
            yield return ("training operations", flops, point => point.TrainFlops);
        }

        if (limit.Parameters is { } parameters)
        {
            yield return ("parameters", parameters, point => point.Parameters);
        }
    }

    private sealed record Part(PairResult Pair, string Verdict, string Reason);
}

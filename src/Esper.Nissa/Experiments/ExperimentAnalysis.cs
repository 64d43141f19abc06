using System.Collections.Immutable;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Experiments;

/// <summary>Computes what an experiment brought from its record. The same record gives the same result.</summary>
public static class ExperimentAnalysis
{
    /// <summary>Name of the accuracy on the test set at the end.</summary>
    public const string AccuracyFinal = "accuracy_final";

    /// <summary>Name of the mean validation accuracy over training operations.</summary>
    public const string AnytimeAuc = "anytime_auc";

    /// <summary>Analyses an experiment.</summary>
    /// <param name="record">The experiment.</param>
    /// <param name="report">The rendered report, to be named in the result.</param>
    public static ExperimentResult Of(ExperimentRecord record, string? report)
    {
        ArgumentNullException.ThrowIfNull(record);
        ExperimentPlan plan = record.Plan;
        ImmutableArray<ArmData> arms = ArmData.AllOf(record);
        (double From, double To)? axis = Axis(arms);
        ImmutableArray<ClaimResult> claims =
            [.. plan.Claims.Select(claim => ClaimJudge.Judge(claim, plan.Seeds.Length, name => Find(arms, name), axis))];
        return new ExperimentResult(
            plan.Name,
            record.Directory.Root,
            report,
            plan.FileSha256,
            plan.Runs.Length,
            record.Runs.Count(run => run.State == RunState.Finished),
            [.. record.Runs.Where(run => run.State == RunState.Failed).Select(run => $"{run.Planned.Id}: {run.Failure}")],
            [.. arms.Select(arm => Summarize(arm, record, axis))],
            [.. plan.Pairs.SelectMany(pair => new[] { AccuracyFinal, AnytimeAuc }.Select(
                metric => Compare(Find(arms, pair.A), Find(arms, pair.B), metric, axis, values => MeanEstimate.Of(values))))],
            claims,
            Overall(claims),
            axis is { } range ? [range.From, range.To] : null);
    }

    /// <summary>Difference A minus B over the seeds that both have.</summary>
    internal static PairResult Compare(
        ArmData a, ArmData b, string metric, (double From, double To)? axis, Func<ImmutableArray<double>, MeanEstimate?> estimate)
    {
        List<long> seeds = [];
        ImmutableArray<double>.Builder differences = ImmutableArray.CreateBuilder<double>();
        foreach (ArmPoint point in a.Points)
        {
            if (b.Points.FirstOrDefault(other => other.Seed == point.Seed) is { } other
                && Value(point, metric, axis) is { } left && Value(other, metric, axis) is { } right)
            {
                seeds.Add(point.Seed);
                differences.Add(left - right);
            }
        }

        ImmutableArray<double> values = differences.ToImmutable();
        return new PairResult(a.Name, b.Name, metric, estimate(values), values, [.. seeds]);
    }

    /// <summary>
    /// The axis of anytime accuracy, the same for all arms: from where every run has a measurement to where the longest run ends; shorter
    /// ones keep their last value. Sweeps as wholes decide only where it begins. Null before every arm has a run.
    /// </summary>
    internal static (double From, double To)? Axis(ImmutableArray<ArmData> arms)
    {
        if (arms.Any(arm => arm.Points.IsEmpty))
        {
            return null;
        }

        double from = arms.SelectMany(arm => arm.Points).Max(point => point.OverFlops.First);
        double to = arms.Where(arm => !arm.IsSweep).SelectMany(arm => arm.Points).Max(point => point.OverFlops.Last);
        return to > from ? (from, to) : null;
    }

    private static double? Value(ArmPoint point, string metric, (double From, double To)? axis) => metric switch
    {
        AccuracyFinal => point.Accuracy,
        AnytimeAuc => axis is { } range ? point.OverFlops.Mean(range.From, range.To) : null,
        _ => throw new ArgumentException($"There is no metric '{metric}'.", nameof(metric)),
    };

    private static ArmResult Summarize(ArmData arm, ExperimentRecord record, (double From, double To)? axis)
    {
        ImmutableArray<ArmPoint> points = arm.Points;
        double[] auc = [.. points.Select(point => Value(point, AnytimeAuc, axis)).OfType<double>()];
        double? Mean(Func<ArmPoint, double> value) => points.IsEmpty ? null : points.Average(value);
        string source = arm.BestMember ?? arm.Name;
        string[] hosts = [.. record.Finished(source).Select(run => run.Summary.Host).Distinct()];
        double[] residuals = [.. points.Select(point => point.Residual).OfType<double>()];
        return new ArmResult(
            arm.Name,
            arm.Arm.Kind,
            hosts.Length == 1 ? hosts[0] : hosts.Length == 0 ? arm.Arm.Host : null,
            [.. points.Select(point => point.Seed)],
            MeanEstimate.Of([.. points.Select(point => point.Accuracy)]),
            auc.Length == points.Length ? MeanEstimate.Of(auc) : null,
            Mean(point => point.Parameters),
            Mean(point => point.TrainFlops),
            Mean(point => point.InheritedFlops),
            Mean(point => point.Seconds),
            arm.BestMember,
            residuals.Length == 0 ? null : residuals.MaxBy(Math.Abs));
    }

    private static string Overall(ImmutableArray<ClaimResult> claims) =>
        claims.IsEmpty || claims.Any(claim => claim.Verdict == Verdicts.None) ? Verdicts.None
            : claims.Any(claim => claim.Verdict == Verdicts.Refuted) ? Verdicts.Refuted
            : claims.Any(claim => claim.Verdict == Verdicts.NotSupported) ? Verdicts.NotSupported
            : Verdicts.Supported;

    private static ArmData Find(ImmutableArray<ArmData> arms, string name) => arms.Single(arm => arm.Name == name);
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Experiments;

/// <summary>What one run says of its arm.</summary>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Accuracy">Accuracy on the test set at the end.</param>
/// <param name="Validation">Validation accuracy at the end.</param>
/// <param name="Parameters">Trained parameters at the end.</param>
/// <param name="TrainFlops">Training operations.</param>
/// <param name="InheritedFlops">Training operations behind its first parameters.</param>
/// <param name="Seconds">Wall-clock.</param>
/// <param name="OverFlops">Validation accuracy over training operations.</param>
/// <param name="OverSeconds">Validation accuracy over wall-clock.</param>
/// <param name="Residual">Relative distance of its training operations from those it was to match; null where none were.</param>
internal sealed record ArmPoint(
    long Seed,
    double Accuracy,
    double Validation,
    double Parameters,
    double TrainFlops,
    double InheritedFlops,
    double Seconds,
    Curve OverFlops,
    Curve OverSeconds,
    double? Residual)
{
    public static ArmPoint Of(ExperimentRun run)
    {
        RunSummary summary = run.Summary;
        ImmutableArray<EpochReport> epochs = run.Record!.Epochs;
        if (summary.AccuracyFinal is not { } accuracy || epochs.IsEmpty)
        {
            throw new EsperException($"Run {run.Planned.Id} is said to have finished, but has no test accuracy or no epoch. Restore its files.");
        }

        double seconds = 0;
        (double, double)[] clock = [.. epochs.Select(epoch => (seconds += epoch.Seconds, epoch.ValidationAccuracy))];
        return new ArmPoint(
            run.Planned.Seed,
            accuracy,
            epochs[^1].ValidationAccuracy,
            summary.ParametersFinal,
            summary.TrainFlops,
            run.Resolved?.InheritedFlops ?? 0,
            summary.Seconds,
            new Curve(epochs.Select(epoch => (epoch.TrainFlops, epoch.ValidationAccuracy))),
            new Curve(clock),
            run.Resolved?.TargetFlops is { } target ? (summary.TrainFlops - target) / target : null);
    }
}

/// <summary>An arm with what its finished runs say.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Points">Its finished runs, in order of seeds.</param>
/// <param name="BestMember">Of a sweep: the size whose accuracy it has.</param>
internal sealed record ArmData(PlannedArm Arm, ImmutableArray<ArmPoint> Points, string? BestMember)
{
    public string Name => Arm.Name;

    public bool IsSweep => !Arm.Members.IsEmpty;

    /// <summary>All arms of an experiment, in the plan's order.</summary>
    public static ImmutableArray<ArmData> AllOf(ExperimentRecord record)
    {
        Dictionary<string, ArmData> arms = record.Plan.Arms
            .Where(arm => arm.Members.IsEmpty)
            .ToDictionary(arm => arm.Name, arm => new ArmData(arm, [.. record.Finished(arm.Name).Select(ArmPoint.Of)], null));
        return [.. record.Plan.Arms.Select(arm => arm.Members.IsEmpty
            ? arms[arm.Name]
            : Sweep(arm, [.. arm.Members.Select(member => arms[member])]))];
    }

    /// <summary>
    /// A sweep as one arm: who does not know the right size trains all of them, side by side, and takes the best. Its accuracy is that of
    /// the size with the best mean <em>validation</em> accuracy over the seeds that all sizes have, as the test set may choose nothing; its
    /// costs are those of all sizes, and so its curves are the winner's, stretched to these costs.
    /// </summary>
    private static ArmData Sweep(PlannedArm arm, ImmutableArray<ArmData> members)
    {
        long[] seeds = [.. members[0].Points.Select(point => point.Seed)
            .Where(seed => members.All(member => member.Points.Any(point => point.Seed == seed)))];
        if (seeds.Length == 0)
        {
            return new ArmData(arm, [], null);
        }

        ArmData best = members.MaxBy(member => member.Points.Where(point => seeds.Contains(point.Seed)).Average(point => point.Validation))!;
        return new ArmData(arm, [.. seeds.Select(seed => Together(seed, best, members))], best.Name);
    }

    private static ArmPoint Together(long seed, ArmData best, ImmutableArray<ArmData> members)
    {
        ArmPoint winner = best.Points.Single(point => point.Seed == seed);
        ArmPoint[] all = [.. members.Select(member => member.Points.Single(point => point.Seed == seed))];
        double flops = all.Sum(point => point.TrainFlops), seconds = all.Sum(point => point.Seconds);
        return winner with
        {
            TrainFlops = flops,
            Seconds = seconds,
            OverFlops = winner.OverFlops.Stretched(flops / winner.TrainFlops),
            OverSeconds = winner.OverSeconds.Stretched(seconds / winner.Seconds),
            Residual = null,
        };
    }
}

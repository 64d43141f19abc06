using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Experiments;

/// <summary>Where a run of an experiment stands.</summary>
public enum RunState
{
    /// <summary>Not begun.</summary>
    Waiting,

    /// <summary>Begun, and neither finished nor failed.</summary>
    Interrupted,

    /// <summary>It ended without a result.</summary>
    Failed,

    /// <summary>It has a result.</summary>
    Finished,
}

/// <summary>A run of an experiment.</summary>
/// <param name="Planned">Its line in the plan.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Record">Its record; null unless it has finished.</param>
/// <param name="Resolved">How it came by its configuration; null before it was known.</param>
/// <param name="Failure">Why it failed; null if it did not.</param>
public sealed record ExperimentRun(PlannedRun Planned, RunState State, RunRecord? Record, ResolvedRun? Resolved, string? Failure)
{
    /// <summary>Its result; only of a finished run.</summary>
    public RunSummary Summary => Record?.Summary ?? throw new InvalidOperationException($"Run {Planned.Id} has not finished.");
}

/// <summary>Everything that an experiment's directory tells of it.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Runs">All runs, in the plan's order.</param>
/// <param name="File">Text of the experiment's file.</param>
public sealed record ExperimentRecord(
    ExperimentDirectory Directory, ExperimentPlan Plan, ImmutableArray<ExperimentRun> Runs, string File)
{
    /// <summary>Reads an experiment's directory.</summary>
    /// <exception cref="EsperException">It holds none, or a file is damaged or of another version; names the file.</exception>
    public static ExperimentRecord Load(string path)
    {
        ExperimentDirectory directory = ExperimentDirectory.Open(path);
        ExperimentPlan plan = ReadPlan(directory);
        return new ExperimentRecord(
            directory, plan, [.. plan.Runs.Select(run => LoadRun(directory, run))], System.IO.File.ReadAllText(directory.FilePath));
    }

    /// <summary>Reads the plan alone.</summary>
    /// <exception cref="EsperException">It is damaged or of another version.</exception>
    public static ExperimentPlan ReadPlan(ExperimentDirectory directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ExperimentPlan plan = ExperimentDirectory.Read<ExperimentPlan>(directory.PlanPath);
        return plan.Format == ExperimentPlan.CurrentFormat
            ? plan
            : throw new EsperException(
                $"{directory.PlanPath} is of format {plan.Format}, this program reads {ExperimentPlan.CurrentFormat}. Use the program that wrote it.");
    }

    /// <summary>The result of a run in its directory; null unless it has finished.</summary>
    /// <exception cref="EsperException">The result is damaged.</exception>
    public static RunSummary? FinishedSummary(ExperimentDirectory directory, string run)
    {
        ArgumentNullException.ThrowIfNull(directory);
        string path = Path.Combine(directory.RunPath(run), "summary.json");
        return System.IO.File.Exists(path) && ExperimentDirectory.Read<RunSummary>(path) is { Outcome: RunOutcome.Completed } summary
            ? summary
            : null;
    }

    /// <summary>Runs of an arm that have finished, in order of seeds.</summary>
    public IEnumerable<ExperimentRun> Finished(string arm) =>
        Runs.Where(run => run.Planned.Arm == arm && run.State == RunState.Finished).OrderBy(run => run.Planned.Seed);

    private static ExperimentRun LoadRun(ExperimentDirectory directory, PlannedRun planned)
    {
        string path = directory.RunPath(planned.Id);
        string resolvedPath = directory.ResolvedPath(planned.Id);
        ResolvedRun? resolved = System.IO.File.Exists(resolvedPath) ? ExperimentDirectory.Read<ResolvedRun>(resolvedPath) : null;
        if (FinishedSummary(directory, planned.Id) is not null)
        {
            return new ExperimentRun(planned, RunState.Finished, RunRecord.Load(path), resolved, null);
        }

        string failurePath = directory.FailurePath(planned.Id);
        return System.IO.File.Exists(failurePath)
            ? new ExperimentRun(planned, RunState.Failed, null, resolved, System.IO.File.ReadAllText(failurePath).Trim())
            : new ExperimentRun(planned, System.IO.Directory.Exists(path) ? RunState.Interrupted : RunState.Waiting, null, resolved, null);
    }
}

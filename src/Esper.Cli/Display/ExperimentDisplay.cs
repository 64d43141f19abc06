using System.Globalization;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Experiments;

namespace Esper.Cli.Display;

/// <summary>Shows the course of an experiment, a line an event.</summary>
internal sealed class ExperimentDisplay(TextWriter output, TimeProvider clock) : IExperimentObserver
{
    private readonly Lock _gate = new();
    private readonly long _began = clock.GetTimestamp();
    private int _runs;
    private int _atStart;

    /// <inheritdoc/>
    public void OnPlanned(ExperimentPlan plan, string directory, int finished)
    {
        lock (_gate)
        {
            (_runs, _atStart) = (plan.Runs.Length, finished);
            output.WriteLine($"{plan.Name}: {plan.Runs.Length} runs, {plan.Arms.Length} arms, {plan.Seeds.Length} seeds, {plan.Claims.Length} claims");
            output.WriteLine($"plan of {plan.Created:yyyy-MM-dd HH:mm} in {directory}, file {plan.FileSha256[..12]}");
            if (finished > 0)
            {
                output.WriteLine($"{finished} runs have finished before");
            }
        }
    }

    /// <inheritdoc/>
    public void OnRunStarted(PlannedRun run, ResolvedRun resolved, bool resumed)
    {
        string steps = resolved.Steps is { } count ? string.Create(CultureInfo.InvariantCulture, $", {count} steps") : string.Empty;
        Say($"         {(resumed ? "goes on" : "begins ")}  {Name(run)}: {resolved.Host}, {resolved.Epochs} epochs{steps}"
            + (resolved.Initial.IsEmpty ? string.Empty : $", {resolved.Initial.Length} modules from the start"));
    }

    /// <inheritdoc/>
    public void OnRunEnded(PlannedRun run, RunSummary? summary, string? failure, int finished)
    {
        if (summary is null)
        {
            Say(failure is null ? $"         stopped  {Name(run)}" : $"         FAILED   {Name(run)}: {failure}");
            return;
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"{finished,4}/{_runs,-4} ended    {Name(run)}: ")
            + $"test {HumanText.Percent(summary.AccuracyFinal ?? double.NaN)}, {HumanText.Scaled(summary.ParametersFinal)} parameters, "
            + $"{HumanText.Scaled(summary.TrainFlops)}FLOP, {HumanText.Duration(summary.Seconds)}{Left(finished)}");
    }

    /// <inheritdoc/>
    public void OnNotice(string message) => Say(message);

    private static string Name(PlannedRun run) => string.Create(CultureInfo.InvariantCulture, $"{run.Arm}, seed {run.Seed}");

    /// <summary>Time left at the pace of this sitting.</summary>
    private string Left(int finished)
    {
        int done = finished - _atStart, left = _runs - finished;
        return done > 0 && left > 0
            ? $"; about {HumanText.Duration(clock.GetElapsedTime(_began).TotalSeconds / done * left)} left"
            : string.Empty;
    }

    private void Say(string line)
    {
        lock (_gate)
        {
            output.WriteLine(line);
        }
    }
}

using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Nissa.Experiments;

namespace Esper.Tolaria.Experiments;

/// <summary>Where the conduct of an experiment stands.</summary>
internal sealed class Sitting(
    ExperimentDefinition definition, ExperimentPlan plan, ExperimentDirectory directory, RunResolver resolver, ExperimentOptions options)
{
    public ExperimentDirectory Directory { get; } = directory;

    public RunResolver Resolver { get; } = resolver;

    public ExperimentOptions Options { get; } = options;

    /// <summary>Results of the runs that have finished.</summary>
    public Dictionary<string, RunSummary> Finished { get; } = [];

    /// <summary>Runs to be trained, in the plan's order.</summary>
    public List<PlannedRun> Waiting { get; } = [.. plan.Runs];

    /// <summary>Whether the user has heard that the budget is spent.</summary>
    public bool BudgetTold { get; set; }

    /// <summary>Looks for what earlier sittings have finished.</summary>
    public void FindFinished()
    {
        foreach (PlannedRun run in plan.Runs)
        {
            if (ExperimentRecord.FinishedSummary(Directory, run.Id) is { } summary)
            {
                Finished.Add(run.Id, summary);
                Waiting.Remove(run);
            }
        }

        Tidy();
    }

    /// <summary>What of the budget is spent, in words; null while there is some left.</summary>
    public string? BudgetSpent()
    {
        double seconds = Finished.Values.Sum(run => run.Seconds), flops = Finished.Values.Sum(run => run.TrainFlops);
        return plan.Budget.RunSeconds is { } time && seconds >= time ? $"{HumanText.Duration(seconds)} of {HumanText.Duration(time)}"
            : plan.Budget.TrainFlops is { } most && flops >= most ? $"{HumanText.Scaled(flops)}FLOP of {HumanText.Scaled(most)}FLOP"
            : null;
    }

    /// <summary>Takes out what cannot be done without a run.</summary>
    public void DropDependents(string id)
    {
        HashSet<string> lost = [id];
        foreach (PlannedRun run in plan.Runs.Where(run => run.DependsOn.Any(lost.Contains)))
        {
            lost.Add(run.Id);
            Waiting.RemoveAll(waiting => waiting.Id == run.Id);
        }
    }

    /// <summary>
    /// Removes from finished runs what can be had again: the report, and the checkpoints unless they are to stay or a run still to come
    /// starts from them.
    /// </summary>
    public void Tidy()
    {
        HashSet<string> needed =
        [
            .. plan.Runs
                .Where(run => !Finished.ContainsKey(run.Id) && definition.Arm(run.Arm).Kind == ArmKinds.Upgrade)
                .SelectMany(run => run.DependsOn),
        ];
        foreach (string id in Finished.Keys)
        {
            string path = Directory.RunPath(id);
            File.Delete(Path.Combine(path, "report.html"));
            string checkpoints = Path.Combine(path, "checkpoints");
            if (!plan.KeepCheckpoints && !needed.Contains(id) && System.IO.Directory.Exists(checkpoints))
            {
                System.IO.Directory.Delete(checkpoints, recursive: true);
            }
        }
    }
}

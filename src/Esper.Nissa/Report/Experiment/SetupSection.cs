using Esper.Nissa.Experiments;

namespace Esper.Nissa.Report.Experiment;

/// <summary>What is needed to do the experiment again.</summary>
internal static class SetupSection
{
    public static void Write(ExperimentRecord record, Markup output)
    {
        ExperimentPlan plan = record.Plan;
        output.Open("section").Element("h2", "Setup").Open("div", ("class", "scroll")).Open("table", ("class", "pairs")).Open("tbody");
        Pair(output, "Machine", $"{plan.Machine.Processor ?? "unnamed processor"}, {plan.Machine.Cores} cores; {plan.Machine.System}");
        Pair(output, "Program", plan.Machine.Program);
        Pair(output, "Threads a run", string.Join(", ", record.Runs.Where(run => run.Record is not null)
            .Select(run => run.Record!.Info.Threads).Distinct().Order().DefaultIfEmpty(0)));
        Pair(output, "Seeds", string.Join(", ", plan.Seeds));
        Pair(output, "Budget", Budget(plan.Budget));
        Pair(output, "File, SHA-256", plan.FileSha256);
        output.Close().Close().Close()
            .Open("details").Element("summary", "The experiment's file").Element("pre", record.File).Close();
        output.Open("details").Element("summary", $"All {record.Runs.Length} runs").Open("div", ("class", "scroll")).Open("table").Open("tbody");
        foreach (ExperimentRun run in record.Runs)
        {
            output.Open("tr").Element("td", run.Planned.Id).Element("td", run.State.ToString())
                .Element("td", run.Resolved?.Host ?? string.Empty)
                .Element("td", run.State == RunState.Finished ? HumanText.Percent(run.Summary.AccuracyFinal!.Value) : run.Failure ?? string.Empty)
                .Element("td", run.State == RunState.Finished ? Short(run.Summary.ParametersDigest) : string.Empty).Close();
        }

        output.Close().Close().Close().Close().Close();
    }

    private static string Short(string digest) => digest[..Math.Min(12, digest.Length)];

    private static string Budget(PlanBudget budget) => (budget.RunSeconds, budget.TrainFlops) switch
    {
        (null, null) => "none",
        ({ } seconds, null) => $"{HumanText.Duration(seconds)} of runs, summed",
        (null, { } flops) => $"{HumanText.Scaled(flops)}FLOP of training",
        ({ } seconds, { } flops) => $"{HumanText.Duration(seconds)} of runs, summed; {HumanText.Scaled(flops)}FLOP of training",
    };

    private static void Pair(Markup output, string name, string value) =>
        output.Open("tr").Element("th", name).Element("td", value).Close();
}

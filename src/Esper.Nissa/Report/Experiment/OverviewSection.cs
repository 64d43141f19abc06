using Esper.Nissa.Experiments;

namespace Esper.Nissa.Report.Experiment;

/// <summary>Title, hypothesis, and the state of the experiment.</summary>
internal static class OverviewSection
{
    public static void Write(ExperimentRecord record, ExperimentResult result, Markup output)
    {
        ExperimentPlan plan = record.Plan;
        output.Open("header").Open("div", ("class", "title")).Element("h1", plan.Name);
        Verdict(result.Verdict, output);
        output.Close()
            .Element("p", plan.Hypothesis, ("class", "hypothesis"))
            .Element("p", $"{plan.Dataset}, {plan.Arms.Length} arms, {plan.Seeds.Length} {(plan.Seeds.Length == 1 ? "seed" : "paired seeds")}; "
                + $"planned {plan.Created:yyyy-MM-dd HH:mm} UTC, before the first run", ("class", "facts"));
        WriteNotices(record, result, output);
        output.Open("div", ("class", "tiles"));
        Tile(output, "runs", $"{result.RunsFinished} of {result.Runs}", result.RunsFinished == result.Runs ? "all finished"
            : $"{record.Runs.Count(run => run.State == RunState.Interrupted)} interrupted, {result.Failures.Length} failed");
        int supported = result.Claims.Count(claim => claim.Verdict == Verdicts.Supported);
        Tile(output, "claims supported", $"{supported} of {result.Claims.Length}",
            $"{result.Claims.Count(claim => claim.Verdict == Verdicts.Refuted)} refuted, {result.Claims.Count(claim => claim.Verdict == Verdicts.None)} without a verdict");
        ExperimentRun[] done = [.. record.Runs.Where(run => run.State == RunState.Finished)];
        Tile(output, "training operations", HumanText.Scaled(done.Sum(run => run.Summary.TrainFlops)) + "FLOP", "of all runs");
        Tile(output, "wall-clock", HumanText.Duration(done.Sum(run => run.Summary.Seconds)), "of all runs, summed");
        output.Close().Close();
    }

    /// <summary>Appends a verdict as a coloured word with a sign.</summary>
    public static void Verdict(string verdict, Markup output)
    {
        string sign = verdict switch { Verdicts.Supported => "✓", Verdicts.Refuted => "✗", Verdicts.NotSupported => "≈", _ => "…" };
        output.Element("span", $"{sign} {verdict.Replace('_', ' ')}", ("class", $"verdict {verdict}"));
    }

    private static void WriteNotices(ExperimentRecord record, ExperimentResult result, Markup output)
    {
        if (result.RunsFinished < result.Runs)
        {
            output.Element("p", $"{result.Runs - result.RunsFinished} runs are missing. Claims get their verdicts when all runs that their rules ask for "
                + "have finished; 'esper experiment' with the same file goes on.", ("class", "notice"));
        }

        foreach (string failure in result.Failures)
        {
            output.Element("p", $"Failed: {failure}", ("class", "notice"));
        }

        foreach (string warning in record.Runs.SelectMany(run => run.Record?.Warnings ?? []))
        {
            output.Element("p", warning, ("class", "notice"));
        }
    }

    private static void Tile(Markup output, string name, string value, string detail) =>
        output.Open("div", ("class", "tile"))
            .Element("div", name, ("class", "name"))
            .Element("div", value, ("class", "value"))
            .Element("div", detail, ("class", "detail")).Close();
}

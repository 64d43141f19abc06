using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa.Experiments;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Report.Experiment;

/// <summary>What grew where, and what each graft gained.</summary>
internal static class GrowthSection
{
    private static readonly string[] Headings =
        ["Arm", "Site", "Blueprint", "Grafts", "Kept", "Born after epoch", "Gain in accuracy of those kept", "Parameters each"];

    public static void Write(ExperimentRecord record, Markup output)
    {
        ImmutableArray<Graft> grafts =
        [
            .. record.Plan.Arms.Where(arm => arm.Kind is "grown" or "upgrade")
                .SelectMany(arm => record.Finished(arm.Name))
                .SelectMany(GraftsOf),
        ];
        output.Open("section").Element("h2", "Growth");
        if (grafts.IsEmpty)
        {
            output.Element("p", "No seed germinated in a run that has finished.", ("class", "empty")).Close();
            return;
        }

        output.Element("p",
            "A graft is a seed that was given a module. Gain is validation accuracy with the module minus without it when last measured, an ablation: the "
            + "host has adapted to what it has. What growing was worth is told by the paired differences.", ("class", "note"));
        WriteSummary(grafts, output);
        foreach (IGrouping<string, ExperimentRun> arm in record.Plan.Arms.Where(arm => arm.Kind is "grown" or "upgrade")
            .SelectMany(arm => record.Finished(arm.Name)).GroupBy(run => run.Planned.Arm))
        {
            output.Open("details").Element("summary", $"{arm.Key}: every graft");
            foreach (ExperimentRun run in arm)
            {
                output.Element("h4", $"seed {run.Planned.Seed}");
                double epochs = run.Record!.Epochs[^1].Epoch;
                Timeline.Draw(run.Record.Info, StageHistory.Of(run.Record, epochs), epochs, output);
                WriteGrafts([.. grafts.Where(graft => graft.Run == run.Planned.Id)], output);
            }

            output.Close();
        }

        output.Close();
    }

    private static IEnumerable<Graft> GraftsOf(ExperimentRun run)
    {
        RunRecord record = run.Record!;
        foreach (LifecycleEvent birth in record.Events.Where(e => e is { From: SeedStage.Dormant, To: SeedStage.Germinated }))
        {
            LifecycleEvent? end = record.Events.FirstOrDefault(e =>
                e.Seed == birth.Seed && e.Step >= birth.Step && e.From != e.To && (e.To is SeedStage.Fossilized or SeedStage.Culled));
            SeedStage fate = end?.To ?? StageAtEnd(record, birth);

            // A place may be used again after a cull; what was measured then belongs to another graft.
            int last = fate == SeedStage.Culled ? end!.Epoch : int.MaxValue;
            SeedReport? measured = record.Epochs
                .Where(epoch => epoch.Epoch > birth.Epoch && epoch.Epoch <= last)
                .SelectMany(epoch => epoch.Seeds)
                .LastOrDefault(seed => seed.Seed == birth.Seed && seed.Gain is not null);
            SiteInfo site = record.Info.Sites[birth.Seed.Site];
            yield return new Graft(
                run.Planned.Id, run.Planned.Arm, birth.Seed.ToString(), site.Name, birth.Blueprint ?? HumanText.Nothing, birth.Epoch, fate,
                measured?.Gain, measured?.GainInterval,
                record.Epochs.SelectMany(epoch => epoch.Seeds).Where(seed => seed.Seed == birth.Seed && seed.Blueprint == birth.Blueprint)
                    .Select(seed => seed.Parameters).LastOrDefault());
        }
    }

    private static SeedStage StageAtEnd(RunRecord record, LifecycleEvent birth) =>
        record.Epochs[^1].Seeds.First(seed => seed.Seed == birth.Seed).Stage;

    private static void WriteSummary(ImmutableArray<Graft> grafts, Markup output)
    {
        output.Open("div", ("class", "scroll")).Open("table").Open("thead").Open("tr");
        foreach (string heading in Headings)
        {
            output.Element("th", heading);
        }

        output.Close().Close().Open("tbody");
        foreach (var group in grafts.GroupBy(graft => (graft.Arm, graft.Site, graft.Blueprint)))
        {
            Graft[] kept = [.. group.Where(graft => graft.Fate.IsBlended())];
            MeanEstimate? gain = MeanEstimate.Of([.. kept.Select(graft => graft.Gain).OfType<double>()]);
            output.Open("tr")
                .Element("td", group.Key.Arm, ("class", "arm"))
                .Element("td", group.Key.Site)
                .Element("td", group.Key.Blueprint)
                .Element("td", HumanText.Whole(group.Count()), ("class", "number"))
                .Element("td", HumanText.Whole(kept.Length), ("class", "number"))
                .Element("td", $"{group.Min(graft => graft.Born)} to {group.Max(graft => graft.Born)}", ("class", "number"))
                .Element("td", gain is null ? HumanText.Nothing
                    : $"{HumanText.Points(gain.Mean)} on average, {HumanText.Points(kept.Min(graft => graft.Gain ?? double.MaxValue))} to "
                        + HumanText.Points(kept.Max(graft => graft.Gain ?? double.MinValue)), ("class", "number"))
                .Element("td", HumanText.Whole((long)group.Average(graft => graft.Parameters)), ("class", "number"))
                .Close();
        }

        output.Close().Close().Close();
    }

    private static void WriteGrafts(ImmutableArray<Graft> grafts, Markup output)
    {
        output.Open("div", ("class", "scroll")).Open("table").Open("tbody");
        foreach (Graft graft in grafts)
        {
            string gain = graft.Gain is { } value ? HumanText.Points(value) : "gain not measured";
            string interval = graft.Interval is { } half ? $" ± {HumanText.Percent(half)}" : string.Empty;
            output.Open("tr")
                .Element("td", $"seed {graft.Seed}").Element("td", graft.Site).Element("td", graft.Blueprint)
                .Element("td", $"after epoch {graft.Born}").Open("td");
            SeedTable.StagePill(graft.Fate, output);
            output.Close().Element("td", gain + interval, ("class", "number")).Close();
        }

        output.Close().Close().Close();
    }

    /// <summary>A module that was attached in a run, and what became of it.</summary>
    private sealed record Graft(
        string Run, string Arm, string Seed, string Site, string Blueprint, int Born, SeedStage Fate, double? Gain, double? Interval, long Parameters);
}

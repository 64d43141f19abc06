using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>The seeds as they stand at the end of the record.</summary>
internal static class SeedTable
{
    private const double PlotWidth = 130;

    public static void Write(RunRecord record, ImmutableArray<StageHistory> histories, Markup output)
    {
        Entry[] all = [.. Entries(record)];
        Dictionary<SeedId, StageHistory> history = histories.ToDictionary(h => h.Seed);
        Entry[] shown = [.. all.Where(e => e.Stage != SeedStage.Dormant || history[e.Id].EverGrew)];
        if (shown.Length == 0)
        {
            return;
        }

        output.Open("section").Element("h2", "Seeds")
            .Element("p",
                "Gain is validation accuracy with the seed minus without it, in percentage points (pp), when last measured, "
                + "with its 95 % confidence interval. An interval that holds 0 shows no gain. It is an ablation: the host has adapted to its "
                + "seeds, so that it says what the model would lose with the seed, not what a run that never grew would have missed. "
                + "Dead is the share of the module's hidden units that let no gradient through when it was last measured.",
                ("class", "note"))
            .Open("div", ("class", "scroll")).Open("table").Open("thead").Open("tr");
        foreach (string heading in new[] { "Seed", "Site", "Channels", "Stage", "Blueprint", "Germinated", "Alpha",
            "Parameters", "Dead %", "Gain", string.Empty })
        {
            output.Element("th", heading);
        }

        output.Close().Close().Open("tbody");
        double reach = shown.Where(e => e.Gain is not null).Select(e => Math.Abs(e.Gain!.Value) + (e.Interval ?? 0))
            .DefaultIfEmpty(0).Max();
        foreach (Entry entry in shown)
        {
            WriteRow(entry, history[entry.Id].Germinations, reach, output);
        }

        if (shown.Length < all.Length)
        {
            output.Open("tr").Element("td", $"{all.Length - shown.Length} more seeds stayed dormant.",
                ("colspan", "11"), ("class", "muted")).Close();
        }

        output.Close().Close().Close().Close();
    }

    private static IEnumerable<Entry> Entries(RunRecord record)
    {
        ImmutableArray<SiteInfo> sites = record.Info.Sites;
        Dictionary<SeedId, double?> dead = LastDeadFractions(record);
        if (record.Summary is { } summary)
        {
            foreach (SeedSummary seed in summary.Seeds)
            {
                SiteInfo? site = sites.FirstOrDefault(s => s.Name == seed.Site);
                bool known = site is not null && (uint)seed.Seed < (uint)site.SeedChannels.Length;
                if (!known || !Enum.TryParse(seed.Stage, out SeedStage stage))
                {
                    throw new EsperException(
                        $"summary.json names seed {seed.Seed} of site '{seed.Site}' in stage '{seed.Stage}', which the lattice in "
                        + "run.json does not have. The files are of different runs; restore them.");
                }

                yield return new Entry(
                    new SeedId(site!.Index, seed.Seed), site, stage, seed.Blueprint, seed.Alpha, seed.Parameters,
                        dead.GetValueOrDefault(new SeedId(site.Index, seed.Seed)), seed.Gain, seed.GainInterval);
            }
        }
        else if (!record.Epochs.IsEmpty)
        {
            foreach (SeedReport seed in record.Epochs[^1].Seeds)
            {
                yield return new Entry(
                    seed.Seed, sites[seed.Seed.Site], seed.Stage, seed.Blueprint, seed.Alpha, seed.Parameters,
                        dead.GetValueOrDefault(seed.Seed), seed.Gain, seed.GainInterval);
            }
        }
    }

    /// <summary>The last measurement of each seed, of the module that it has at the end.</summary>
    private static Dictionary<SeedId, double?> LastDeadFractions(RunRecord record)
    {
        Dictionary<SeedId, double?> last = [];
        foreach (SeedReport seed in record.Epochs.SelectMany(epoch => epoch.Seeds))
        {
            if (!seed.Stage.HasModule())
            {
                last.Remove(seed.Seed);
            }
            else if (seed.DeadFraction is { } share)
            {
                last[seed.Seed] = share;
            }
        }

        return last;
    }

    private static void WriteRow(Entry entry, int germinations, double reach, Markup output)
    {
        bool module = entry.Stage.HasModule();
        output.Open("tr")
            .Element("td", entry.Id.ToString(), ("class", "number"))
            .Element("td", entry.Site.Name)
            .Element("td", HumanText.Whole(entry.Site.SeedChannels[entry.Id.Seed]), ("class", "number"))
            .Open("td");
        StagePill(entry.Stage, output);
        output.Close()
            .Element("td", entry.Blueprint ?? HumanText.Nothing)
            .Element("td", germinations == 1 ? "once" : $"{germinations} times")
            .Element("td", module ? HumanText.Number(entry.Alpha) : HumanText.Nothing, ("class", "number"))
            .Element("td", module ? HumanText.Whole(entry.Parameters) : HumanText.Nothing, ("class", "number"))
            .Element("td", entry.Dead is { } dead ? DeadText(dead) : HumanText.Nothing, ("class", "number"))
            .Element("td", GainText(entry), ("class", "number")).Open("td");
        if (entry.Gain is { } gain && reach > 0)
        {
            DrawInterval(gain, entry.Interval ?? 0, reach, output);
        }

        output.Close().Close();
    }

    /// <summary>Appends a stage as a coloured word.</summary>
    public static void StagePill(SeedStage stage, Markup output) =>
        output.Element("span", stage.ToString(), ("class", $"pill st{(int)stage}"));

    private static string DeadText(double share) =>
        (share * 100).ToString("0.#", System.Globalization.CultureInfo.InvariantCulture);

    private static string GainText(Entry entry) => (entry.Gain, entry.Interval) switch
    {
        (null, _) => "not measured",
        ({ } gain, null) => HumanText.Points(gain),
        ({ } gain, { } interval) =>
            $"{HumanText.Points(gain)} ± {(interval * 100).ToString("0.00", System.Globalization.CultureInfo.InvariantCulture)}",
    };

    private static void DrawInterval(double gain, double interval, double reach, Markup output)
    {
        Scale x = new(-reach, reach, 6, PlotWidth - 6);
        string zero = Svg.Pixel(x[0]);
        output.Open("svg", [.. Svg.Root(PlotWidth, 16), ("aria-hidden", "true")])
            .Empty("line", ("class", "axis"), ("x1", zero), ("x2", zero), ("y1", "0"), ("y2", "16"))
            .Empty("line", ("class", "interval"), ("x1", Svg.Pixel(x[gain - interval])),
                ("x2", Svg.Pixel(x[gain + interval])), ("y1", "8"), ("y2", "8"))
            .Empty("circle", ("class", "dot"), ("cx", Svg.Pixel(x[gain])), ("cy", "8"), ("r", "4"))
            .Close();
    }

    private sealed record Entry(
        SeedId Id, SiteInfo Site, SeedStage Stage, string? Blueprint, double Alpha, long Parameters,
            double? Dead, double? Gain, double? Interval);
}

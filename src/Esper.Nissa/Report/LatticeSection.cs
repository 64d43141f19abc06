using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>The lattice: stages over time, and the newborns' blend weight and health.</summary>
internal static class LatticeSection
{
    public static void Write(RunRecord record, ImmutableArray<StageHistory> histories, double epochs, Markup output)
    {
        output.Open("section").Element("h2", "Lattice");
        if (histories.IsEmpty)
        {
            output.Element("p", "The host carries no lattice.", ("class", "empty")).Close();
            return;
        }

        output.Open("figure").Open("figcaption").Element("h3", "Stages of all seeds").Close();
        Timeline.Draw(record.Info, histories, epochs, output);
        output.Close();
        StageHistory[] grown = [.. histories.Where(h => h.EverGrew)];
        if (grown.Length == 0)
        {
            output.Element("p", "No seed germinated in this run.", ("class", "empty")).Close();
            return;
        }

        output.Element("h3", "Newborns");
        LineChart.DrawLegend(Curves(record, grown, _ => null), output);
        output.Open("div", ("class", "charts"));
        foreach (ChartSpec chart in Charts(record, grown, epochs))
        {
            LineChart.Draw(chart, output);
        }

        output.Close().Close();
    }

    private static IEnumerable<ChartSpec> Charts(RunRecord record, StageHistory[] grown, double epochs) =>
    [
        new ChartSpec("Blend weight", "alpha", Curves(record, grown, s => s.Stage.HasModule() ? s.Alpha : null), HumanText.Number)
        {
            Epochs = epochs, Legend = false, Bounds = (0, 1), Reference = new ReferenceLine(0, null),
        },
        new ChartSpec(
            "Gradient ratio", "RMS gradient, newborn over host chunk (log)",
                Curves(record, grown, s => s.GradientRatio), HumanText.Number)
        {
            Epochs = epochs, Legend = false, Logarithmic = true, Reference = new ReferenceLine(1, "as the host"),
            Note = "A newborn far below 1 is starved of gradient.",
        },
        new ChartSpec("Activation ratio", "RMS g(x) over RMS x (log)", Curves(record, grown, s => s.ActivationRatio),
            HumanText.Number)
        {
            Epochs = epochs, Legend = false, Logarithmic = true,
            Note = "What the module adds, relative to the host's value. ▼ on the floor is an exact 0.",
        },
        new ChartSpec("Alignment", "cosine of dL/dy and g(x)", Curves(record, grown, s => s.Alignment), HumanText.Number)
        {
            Epochs = epochs, Legend = false, Bounds = (-1, 1), Reference = new ReferenceLine(0, null),
            Note = "Below 0, the module lowers the loss.",
        },
    ];

    private static ImmutableArray<ChartSeries> Curves(RunRecord record, StageHistory[] grown, Func<SeedReport, double?> value)
    {
        Dictionary<Contracts.SeedId, List<(double, double?)>> points = grown.ToDictionary(h => h.Seed, _ =>
            new List<(double, double?)>());
        foreach (EpochReport epoch in record.Epochs)
        {
            foreach (SeedReport seed in epoch.Seeds)
            {
                if (points.TryGetValue(seed.Seed, out List<(double, double?)>? own))
                {
                    own.Add((epoch.Epoch, value(seed)));
                }
            }
        }

        return [.. grown.Select((h, i) => new ChartSeries($"seed {h.Seed}", i, [.. points[h.Seed]]))];
    }
}

using Esper.Nissa.Experiments;

namespace Esper.Nissa.Report.Experiment;

/// <summary>Paired differences with their intervals.</summary>
internal static class DifferencesSection
{
    private const double PlotWidth = 330;

    public static void Write(ExperimentResult result, Markup output)
    {
        output.Open("section").Element("h2", "Paired differences");
        Write(result, ExperimentAnalysis.AccuracyFinal, "Test accuracy at the end", output);
        Write(result, ExperimentAnalysis.AnytimeAuc, AxisTitle(result), output);
        output.Element("p",
            "Percentage points (pp), mean over seeds, with Student's 95 % interval. Both runs of a pair have the same seed: the same order of data, the "
            + "same augmentation, and the same first parameters where they have the same layers. Small dots are the seeds. An interval that holds 0 "
            + "shows no difference.", ("class", "note")).Close();
    }

    private static string AxisTitle(ExperimentResult result) => result.AucAxis is { } axis
        ? $"Anytime accuracy: mean validation accuracy from {HumanText.Scaled(axis[0])}FLOP to {HumanText.Scaled(axis[1])}FLOP"
        : "Anytime accuracy";

    private static void Write(ExperimentResult result, string metric, string title, Markup output)
    {
        output.Element("h3", title);
        PairResult[] pairs = [.. result.Pairs.Where(pair => pair.Metric == metric && pair.Difference is not null)];
        if (pairs.Length == 0)
        {
            output.Element("p", "No pair has a seed that both arms have finished and that the measure covers.", ("class", "empty"));
            return;
        }

        double reach = pairs.SelectMany(pair => pair.PerSeed.Append(pair.Difference!.Low ?? 0).Append(pair.Difference.High ?? 0)).Max(Math.Abs);
        reach = Math.Max(reach, 1e-4) * 1.04;
        output.Open("div", ("class", "scroll")).Open("table", ("class", "figures")).Open("thead").Open("tr");
        foreach ((string heading, string css) in new[] { ("Arm", "arm"), ("minus", string.Empty), ("Difference", "number"), ("95 % interval", "number"),
            ("Pairs", "number"), (string.Empty, string.Empty) })
        {
            output.Element("th", heading, ("class", css));
        }

        output.Close().Close().Open("tbody");
        foreach (PairResult pair in pairs)
        {
            string interval = pair.Difference is { Low: { } low, High: { } high }
                ? $"{HumanText.Points(low)} to {HumanText.Points(high)}" : HumanText.Nothing;
            output.Open("tr")
                .Element("td", pair.A, ("class", "arm"))
                .Element("td", pair.B)
                .Element("td", HumanText.Points(pair.Difference!.Mean), ("class", "number"))
                .Element("td", interval, ("class", "number"))
                .Element("td", HumanText.Whole(pair.Seeds.Length), ("class", "number"))
                .Open("td");
            Draw(pair, reach, output);
            output.Close().Close();
        }

        output.Close().Close().Close();
    }

    private static void Draw(PairResult pair, double reach, Markup output)
    {
        Scale x = new(-reach, reach, 6, PlotWidth - 6);
        string zero = Svg.Pixel(x[0]);
        output.Open("svg", [.. Svg.Root(PlotWidth, 18), ("aria-hidden", "true")])
            .Empty("line", ("class", "axis"), ("x1", zero), ("x2", zero), ("y1", "0"), ("y2", "18"));
        foreach (double value in pair.PerSeed)
        {
            output.Empty("circle", ("class", "seeddot"), ("cx", Svg.Pixel(x[value])), ("cy", "9"), ("r", "2.2"));
        }

        if (pair.Difference is { Low: { } low, High: { } high })
        {
            output.Empty("line", ("class", "interval"), ("x1", Svg.Pixel(x[low])), ("x2", Svg.Pixel(x[high])), ("y1", "9"), ("y2", "9"));
        }

        output.Empty("circle", ("class", "dot"), ("cx", Svg.Pixel(x[pair.Difference!.Mean])), ("cy", "9"), ("r", "4.5")).Close();
    }
}

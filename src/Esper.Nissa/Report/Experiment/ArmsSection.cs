using System.Collections.Immutable;
using System.Globalization;
using Esper.Nissa.Experiments;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Report.Experiment;

/// <summary>The table of arms.</summary>
internal static class ArmsSection
{
    private const double PlotWidth = 190;

    public static void Write(ExperimentPlan plan, ExperimentResult result, ImmutableArray<ArmData> data, Markup output)
    {
        double[] all = [.. data.SelectMany(arm => arm.Points).Select(point => point.Accuracy)];
        output.Open("section").Element("h2", "Arms").Open("div", ("class", "scroll")).Open("table", ("class", "figures")).Open("thead").Open("tr");
        foreach ((string heading, string css) in new[] { ("Arm", "arm"), ("What it is", string.Empty), ("Test accuracy", "number"),
            (string.Empty, string.Empty), ("Anytime", "number"), ("Parameters", "number"), ("Training FLOP", "number"), ("Time", "number") })
        {
            output.Element("th", heading, ("class", css));
        }

        output.Close().Close().Open("tbody");
        foreach ((PlannedArm planned, ArmResult arm, ArmData points) in plan.Arms.Zip(result.Arms, data))
        {
            output.Open("tr").Element("td", arm.Name, ("class", "arm")).Open("td").Text(planned.Description);
            foreach (string remark in Remarks(arm))
            {
                output.Element("div", remark, ("class", "note"));
            }

            output.Close().Element("td", Share(arm.AccuracyFinal), ("class", "number")).Open("td");
            if (arm.AccuracyFinal is { } accuracy)
            {
                Draw(accuracy, points, all.Min(), all.Max(), output);
            }

            output.Close()
                .Element("td", Share(arm.AnytimeAuc), ("class", "number"))
                .Element("td", arm.Parameters is { } parameters ? HumanText.Whole((long)Math.Round(parameters)) : HumanText.Nothing, ("class", "number"))
                .Element("td", arm.TrainFlops is { } flops ? HumanText.Scaled(flops) : HumanText.Nothing, ("class", "number"))
                .Element("td", arm.Seconds is { } seconds ? HumanText.Duration(seconds) : HumanText.Nothing, ("class", "number"))
                .Close();
        }

        output.Close().Close().Close()
            .Element("p", "Means over seeds with Student's 95 % interval; the test set was read once, after the last step of each run. Costs of a sweep are "
                + "those of all its sizes, and its size was chosen by validation accuracy. Operations count training steps, "
                + "probes, checks and measurements of gain, not the validation behind each epoch.",
                ("class", "note")).Close();
    }

    private static IEnumerable<string> Remarks(ArmResult arm)
    {
        if (arm.BestMember is { } best)
        {
            yield return $"best: {best}";
        }

        if (arm.InheritedFlops is > 0 and { } inherited)
        {
            yield return $"another {HumanText.Scaled(inherited)}FLOP lie behind the parameters that it starts with";
        }

        if (arm.FlopsResidual is { } residual)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"operations match within {Math.Abs(residual) * 100:0.####} %");
        }
    }

    private static string Share(MeanEstimate? estimate) => estimate is null ? HumanText.Nothing
        : estimate.HalfWidth is { } half ? $"{HumanText.Percent(estimate.Mean)} ± {(half * 100).ToString("0.00", CultureInfo.InvariantCulture)}"
        : HumanText.Percent(estimate.Mean);

    private static void Draw(MeanEstimate accuracy, ArmData arm, double low, double high, Markup output)
    {
        double margin = Math.Max((high - low) * 0.08, 1e-4);
        Scale x = new(low - margin, high + margin, 6, PlotWidth - 6);
        string At(double value) => Svg.Pixel(x[Math.Clamp(value, x.Low, x.High)]);
        output.Open("svg", [.. Svg.Root(PlotWidth, 18), ("aria-hidden", "true")])
            .Empty("line", ("class", "grid"), ("x1", "6"), ("x2", Svg.Pixel(PlotWidth - 6)), ("y1", "9"), ("y2", "9"));
        foreach (ArmPoint point in arm.Points)
        {
            output.Empty("circle", ("class", "seeddot"), ("cx", At(point.Accuracy)), ("cy", "9"), ("r", "2.2"));
        }

        if (accuracy is { Low: { } from, High: { } to })
        {
            output.Empty("line", ("class", "interval"), ("x1", At(from)), ("x2", At(to)), ("y1", "9"), ("y2", "9"));
        }

        output.Empty("circle", ("class", "dot"), ("cx", At(accuracy.Mean)), ("cy", "9"), ("r", "4.5")).Close();
    }
}

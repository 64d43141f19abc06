using System.Collections.Immutable;
using System.Globalization;
using Esper.Nissa.Experiments;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Report.Experiment;

/// <summary>Accuracy over training operations and over wall-clock.</summary>
internal static class AccuracySection
{
    private const int GridPoints = 60;

    public static void Write(ExperimentPlan plan, ImmutableArray<ArmData> arms, Markup output)
    {
        output.Open("section").Element("h2", "Accuracy against cost");
        ImmutableArray<ArmData> shown = [.. arms.Where(arm => !arm.Points.IsEmpty)];
        if (shown.IsEmpty)
        {
            output.Element("p", "No run has finished; there is nothing to draw.", ("class", "empty")).Close();
            return;
        }

        HashSet<string> major = [.. plan.Claims.SelectMany(claim => claim.B.Append(claim.A)).Append(plan.Baseline)];
        ImmutableArray<BandSeries> overFlops = [.. shown.Select((arm, i) => Series(arm, StyleOf(plan, arm, i), major, point => point.OverFlops))];
        (string unit, double scale) = shown.SelectMany(arm => arm.Points).Max(point => point.OverSeconds.Last) switch
        {
            < 300 => ("s", 1.0),
            < 18_000 => ("min", 60.0),
            _ => ("h", 3600.0),
        };
        ImmutableArray<BandSeries> overTime =
            [.. shown.Select((arm, i) => Series(arm, StyleOf(plan, arm, i), major, point => point.OverSeconds.Stretched(1 / scale)))];
        output.Element("p",
            "Mean over seeds of the accuracy on the validation examples, with its 95 % interval. Bold: the arms that the claims are about, and the "
            + $"baseline. A curve stays at its last value where a seed ended sooner. {SweepNote(shown)}", ("class", "note"));
        output.Open("div", ("class", "charts"));
        BandChart.Draw("Against training operations", "training operations, FLOP (forward and backward)",
            value => value == 0 ? "0" : HumanText.Scaled(value), overFlops, output);
        BandChart.Draw("Against wall-clock", $"wall-clock, {unit}",
            value => value.ToString("0.##", CultureInfo.InvariantCulture), overTime, output);
        output.Close();
        BandChart.DrawLegend(overFlops, output);
        output.Close();
    }

    /// <summary>Number of an arm's colour and dash: the same in every drawing of a report.</summary>
    public static int StyleOf(ExperimentPlan plan, ArmData arm, int position)
    {
        for (int i = 0; i < plan.Arms.Length; i++)
        {
            if (plan.Arms[i].Name == arm.Name)
            {
                return i;
            }
        }

        return position;
    }

    private static string SweepNote(ImmutableArray<ArmData> arms) => arms.Any(arm => arm.IsSweep)
        ? "A sweep's curve is its best size's, stretched to the cost of all sizes." : string.Empty;

    private static BandSeries Series(ArmData arm, int style, HashSet<string> major, Func<ArmPoint, Curve> curve)
    {
        Curve[] curves = [.. arm.Points.Select(curve)];
        double from = curves.Max(c => c.First), to = curves.Max(c => c.Last);
        BandPoint[] points =
        [
            .. Enumerable.Range(0, GridPoints).Select(i => from + ((to - from) * i / (GridPoints - 1))).Select(x =>
            {
                MeanEstimate mean = MeanEstimate.Of([.. curves.Select(c => c.At(Math.Max(x, c.First))!.Value)])!;
                return new BandPoint(x, mean.Mean, mean.Low, mean.High);
            }),
        ];
        return new BandSeries(arm.Name, style, [.. points], major.Contains(arm.Name));
    }
}

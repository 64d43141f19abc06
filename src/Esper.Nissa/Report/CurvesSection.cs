using System.Collections.Immutable;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>The curves of the run as a whole: loss, accuracy, learning rate, parameters.</summary>
internal static class CurvesSection
{
    private const int MostStepPoints = 400;

    public static void Write(RunRecord record, double epochs, Markup output)
    {
        output.Open("section").Element("h2", "Learning");
        if (record.Epochs.IsEmpty)
        {
            output.Element("p", "No epoch was completed; there is nothing to draw.", ("class", "empty")).Close();
            return;
        }

        ImmutableArray<EventMark> marks = EventMark.Of(record);
        output.Open("div", ("class", "charts"));
        LineChart.Draw(Loss(record, epochs, marks), output);
        LineChart.Draw(Accuracy(record, epochs, marks), output);
        LineChart.Draw(LearningRate(record, epochs), output);
        LineChart.Draw(Parameters(record, epochs, marks), output);
        output.Close();
        if (!marks.IsEmpty)
        {
            IEnumerable<string> stages = marks.Select(m => m.Stage).Distinct().Order().Select(stage => $"{stage}");
            output.Element("p",
                $"Triangles below an axis mark seeds that entered a stage ({string.Join(", ", stages)}), in the colours "
                + "of the lattice below.", ("class", "note"));
        }

        output.Close();
    }

    private static ChartSpec Loss(RunRecord record, double epochs, ImmutableArray<EventMark> marks)
    {
        ImmutableArray<ChartSeries>.Builder series = ImmutableArray.CreateBuilder<ChartSeries>();
        if (!record.Steps.IsEmpty)
        {
            series.Add(StepLoss(record));
        }

        series.Add(Curve(record, "training", 0, e => e.TrainLoss));
        series.Add(Curve(record, "validation", 1, e => e.ValidationLoss));
        return new ChartSpec("Loss", "mean loss per example, nats", series.ToImmutable(),
            HumanText.Number)
        { Epochs = epochs, Marks = marks };
    }

    private static ChartSeries StepLoss(RunRecord record)
    {
        int bucket = (record.Steps.Length + MostStepPoints - 1) / MostStepPoints;
        double stepsPerEpoch = record.Info.StepsPerEpoch;
        string name = bucket == 1 ? "training, recorded steps" : $"training, mean of {bucket} recorded steps";
        return new ChartSeries(
            name, 7,
            [.. record.Steps.Chunk(bucket).Select(c =>
                (c.Average(s => s.Step) / stepsPerEpoch, (double?)c.Average(s => s.Loss)))],
            Faint: true);
    }

    private static ChartSpec Accuracy(RunRecord record, double epochs, ImmutableArray<EventMark> marks)
    {
        ImmutableArray<ChartSeries> series =
        [
            Curve(record, "training (augmented images)", 0, e => e.TrainAccuracy * 100),
            Curve(record, "validation", 1, e => e.ValidationAccuracy * 100),
        ];
        return new ChartSpec("Accuracy", "accuracy, %", series, v => HumanText.Percent(v / 100))
        {
            Epochs = epochs,
            Marks = marks,
            Bounds = (0, 100),
            Reference = record.Summary?.AccuracyFinal is { } test
                ? new ReferenceLine(test * 100, $"test {HumanText.Percent(test)}") : null,
        };
    }

    private static ChartSpec LearningRate(RunRecord record, double epochs)
    {
        double stepsPerEpoch = record.Info.StepsPerEpoch;
        ChartSeries series = record.Steps.IsEmpty
            ? Curve(record, "last step of the epoch", 4, e => e.LearningRate)
            : new ChartSeries("recorded steps", 4,
                [.. record.Steps.Select(s => (s.Step / stepsPerEpoch, (double?)s.LearningRate))], Faint: false);
        return new ChartSpec("Learning rate", "learning rate of the host", [series], HumanText.Number)
        {
            Epochs = epochs,
            // The line at 0 brings 0 onto the axis: rates are compared by ratio.
            Reference = new ReferenceLine(0, null),
            Bounds = (0, double.PositiveInfinity),
        };
    }

    private static ChartSpec Parameters(RunRecord record, double epochs, ImmutableArray<EventMark> marks)
    {
        ImmutableArray<(double, double?)> points =
            [(0, record.Info.Parameters), .. record.Epochs.Select(e => ((double)e.Epoch, (double?)e.Parameters))];
        return new ChartSpec(
            "Parameters", "trained parameters", [new ChartSeries("parameters", 2, points)], v => HumanText.Whole((long)v))
        {
            Epochs = epochs,
            Marks = marks,
            TickFormat = ParameterTick,
            Reference = new ReferenceLine(record.Info.Parameters, "bare host", LabelAtEnd: true),
            Note = "The axis does not start at 0.",
        };
    }

    private static string ParameterTick(double value) => value >= 1e6 ? $"{HumanText.Tick(value / 1e6)} M"
        : HumanText.Tick(value);

    private static ChartSeries Curve(RunRecord record, string name, int style, Func<EpochReport, double> value) =>
        new(name, style, [.. record.Epochs.Select(e => ((double)e.Epoch, (double?)value(e)))]);
}

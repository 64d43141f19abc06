using System.Globalization;
using Esper.Contracts.Runs;
using Esper.Nissa;

namespace Esper.Cli.Display;

/// <summary>Lays the state of a run out on lines of a terminal.</summary>
internal static class LiveFrame
{
    private const int MostBar = 48;
    private const int LabelWidth = 12;

    /// <summary>
    /// The lines, none wider than <paramref name="width"/> cells nor more than <paramref name="height"/>.
    /// </summary>
    public static IReadOnlyList<StyledLine> Build(
        RunProgress progress, int width, int height, Glyphs glyphs, string? notice = null)
    {
        List<StyledLine> head =
        [
            Header(progress.Info, glyphs),
            EpochBar(progress, width, glyphs),
            RunBar(progress, width, glyphs),
            Rates(progress),
            Metrics(progress, width, glyphs),
        ];
        if (notice is not null)
        {
            head.Add(new StyledLine().Add(notice, Styles.Bad));
        }

        IReadOnlyList<StyledLine> lattice = LatticeMap.Build(progress, width, glyphs);
        List<StyledLine> events = [.. progress.Events.Select(e => EventLine.Build(e, glyphs, withStep: false))];
        return [.. Fit(head, lattice, events, height).Select(line => line.Crop(width, glyphs.Ellipsis))];
    }

    /// <summary>
    /// Gives up the oldest events first, then rows of the lattice, where the terminal is too low for all.
    /// </summary>
    private static IEnumerable<StyledLine> Fit(
        List<StyledLine> head, IReadOnlyList<StyledLine> lattice, List<StyledLine> events, int height)
    {
        int free = Math.Max(0, height - head.Count);
        IEnumerable<StyledLine> lines = head;
        if (lattice.Count > 0 && free > 1)
        {
            int rows = Math.Min(lattice.Count, free - 1);
            lines = lines.Append(new StyledLine()).Concat(Rows(lattice, rows));
            free -= rows + 1;
        }

        return events.Count > 0 && free > 1
            ? lines.Append(new StyledLine()).Concat(events.TakeLast(free - 1))
            : lines.Take(Math.Max(1, height));
    }

    private static IEnumerable<StyledLine> Rows(IReadOnlyList<StyledLine> lattice, int rows) => rows == lattice.Count
        ? lattice
        : lattice.Take(rows - 1).Append(new StyledLine()
        .Add($"{lattice.Count - rows + 1} more lines; the terminal is too low", Styles.Dim));

    private static StyledLine Header(RunInfo info, Glyphs glyphs)
    {
        string threads = info.Threads == 1 ? "1 thread" : $"{info.Threads} threads";
        return new StyledLine().Add(info.Host, Styles.Bold).Add(" on ", Styles.Dim).Add(info.Dataset, Styles.Bold)
            .Add(glyphs.Separator, Styles.Dim).Add(info.Policy, Styles.Bold)
            .Add($"{glyphs.Separator}{info.Device}, {threads}{glyphs.Separator}{info.RunId}", Styles.Dim);
    }

    private static StyledLine EpochBar(RunProgress progress, int width, Glyphs glyphs)
    {
        int epoch = progress.Step?.Epoch ?? progress.Info.FirstEpoch;
        int step = progress.Step?.StepInEpoch ?? 0;
        return Bar($"epoch {epoch}/{progress.Info.Epochs}", progress.EpochDone,
            $"step {step}/{progress.Info.StepsPerEpoch}", width, glyphs);
    }

    private static StyledLine RunBar(RunProgress progress, int width, Glyphs glyphs)
    {
        string remaining = progress.Remaining is { } time ? $"{Clock(time)} left" : "measuring";
        return Bar("run", progress.Done, $"{remaining}, {Clock(progress.Elapsed)} gone", width, glyphs);
    }

    private static StyledLine Bar(string label, double share, string detail, int width, Glyphs glyphs)
    {
        // Rounded down, so that 100 % is the end; the offset keeps 57/100 from becoming 56 %.
        string percent = Math.Floor((share * 100) + 1e-9).ToString("0", CultureInfo.InvariantCulture).PadLeft(4) + " %  ";
        int labelWidth = Math.Max(LabelWidth, label.Length + 1);
        int bar = Math.Clamp(width - labelWidth - percent.Length - Math.Max(detail.Length, 26), 6, MostBar);
        (string done, string rest) = glyphs.Bar(share, bar);
        return new StyledLine().Add(label.PadRight(labelWidth)).Add(done, Styles.Progress).Add(rest, Styles.Dim)
            .Add(percent, Styles.Bold).Add(detail, Styles.Dim);
    }

    private static StyledLine Rates(RunProgress progress)
    {
        StyledLine line = new StyledLine().Add("step".PadRight(LabelWidth));
        if (progress.Step is not { } step)
        {
            return line.Add("waiting for the first step", Styles.Dim);
        }

        line.Add("loss ", Styles.Dim).Add(step.Loss.ToString("0.0000", CultureInfo.InvariantCulture), Styles.Bold)
            .Add("  lr ", Styles.Dim).Add(HumanText.Number(step.LearningRate), Styles.Bold);
        return progress.StepsPerSecond is { } rate
            ? line.Add("  ").Add(HumanText.Scaled(rate), Styles.Bold).Add(" steps/s  ", Styles.Dim)
                .Add(HumanText.Scaled(rate * progress.Info.BatchSize), Styles.Bold).Add(" examples/s", Styles.Dim)
            : line;
    }

    private static StyledLine Metrics(RunProgress progress, int width, Glyphs glyphs)
    {
        StyledLine line = new StyledLine().Add("validation".PadRight(LabelWidth));
        if (progress.Epoch is not { } epoch || progress.Best is not { } best)
        {
            return line.Add("after the first epoch", Styles.Dim);
        }

        line.Add(HumanText.Percent(epoch.ValidationAccuracy), Styles.Bold)
            .Add($"  best {HumanText.Percent(best.Accuracy)} at {best.Epoch}  ", Styles.Dim);
        return line.Add(glyphs.Sparkline(progress.Accuracy, Math.Max(1, Math.Min(40, width - line.Width))), Styles.Progress);
    }

    private static string Clock(TimeSpan time)
    {
        long seconds = (long)Math.Round(time.TotalSeconds);
        return seconds < 3600
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}:{seconds % 3600 / 60:00}:{seconds % 60:00}");
    }
}

using System.Globalization;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Esper.Cli.Display;

/// <summary>Prints the result of a run as a table, in words that fit a terminal and a log alike.</summary>
public static class SummaryView
{
    private const int LabelWidth = 22;

    /// <summary>
    /// Prints to a terminal, in colours where it has them. Long lines are left to the terminal to wrap: a result is not
    /// cut.
    /// </summary>
    public static void Write(RunSummary summary, IAnsiConsole console)
    {
        ArgumentNullException.ThrowIfNull(summary);
        ArgumentNullException.ThrowIfNull(console);
        Glyphs glyphs = Glyphs.For(console.Profile.Capabilities.Unicode);
        foreach (StyledLine line in Lines(summary, glyphs))
        {
            console.Write(new RawSegments([.. line.Segments, Segment.LineBreak]));
        }
    }

    /// <summary>Prints plain text, uncut.</summary>
    public static void Write(RunSummary summary, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(summary);
        ArgumentNullException.ThrowIfNull(output);
        foreach (StyledLine line in Lines(summary, Glyphs.For(unicode: false)))
        {
            output.WriteLine(line.Text.TrimEnd());
        }

        output.Flush();
    }

    private static IEnumerable<StyledLine> Lines(RunSummary summary, Glyphs glyphs)
    {
        bool completed = summary.Outcome == RunOutcome.Completed;
        yield return new StyledLine().Add(completed ? "completed" : "interrupted", completed ? Styles.Good : Styles.Bad)
            .Add($"  {summary.RunId}", Styles.Bold)
            .Add($"  {summary.Host} on {summary.Dataset}, policy {summary.Policy}, seed {summary.Seed}", Styles.Dim);
        yield return Pair("test accuracy", summary.AccuracyFinal is { } accuracy ? HumanText.Percent(accuracy) : "not read",
            summary.LossFinal is { } loss ? $"loss {HumanText.Number(loss)}" : "the run was interrupted");
        if (!summary.AccuracyPerEpoch.IsEmpty)
        {
            yield return Pair("validation accuracy", HumanText.Percent(summary.AccuracyPerEpoch[^1]),
                $"best {HumanText.Percent(summary.AccuracyPerEpoch.Max())}");
        }

        yield return Pair("parameters", HumanText.Whole(summary.ParametersFinal),
            $"from {HumanText.Whole(summary.ParametersInitial)}");
        yield return Pair("training operations", HumanText.Scaled(summary.TrainFlops) + "FLOP", string.Empty);
        yield return Pair("time", HumanText.Duration(summary.Seconds),
            (summary.StepMsMedian is { } step ? $"{HumanText.Number(Math.Round(step, 2))} ms/step (median), " : string.Empty)
            + $"{summary.Epochs} {(summary.Epochs == 1 ? "epoch" : "epochs")}");
        yield return Pair("digest", summary.ParametersDigest, string.Empty);
        yield return Pair("directory", summary.Directory, completed ? string.Empty
            : $"continue with --resume {summary.Directory}");
        foreach (StyledLine line in Seeds(summary, glyphs))
        {
            yield return line;
        }
    }

    private static StyledLine Pair(string label, string value, string detail) =>
        new StyledLine().Add(label.PadRight(LabelWidth), Styles.Dim).Add(value, Styles.Bold)
            .Add(detail.Length > 0 ? "  " + detail : string.Empty, Styles.Dim);

    private static IEnumerable<StyledLine> Seeds(RunSummary summary, Glyphs glyphs)
    {
        SeedSummary[] shown = [.. summary.Seeds.Where(s => s.Stage != nameof(SeedStage.Dormant))];
        if (shown.Length > 0)
        {
            int site = Math.Max(4, shown.Max(s => s.Site.Length));
            int blueprint = Math.Max(9, shown.Max(s => s.Blueprint?.Length ?? 1));
            yield return new StyledLine();
            yield return new StyledLine().Add(
                $"{"site".PadRight(site)}  seed  {"stage",-10}  {"blueprint".PadRight(blueprint)}  alpha  parameters  gain, percentage points", Styles.Dim);
            foreach (SeedSummary seed in shown)
            {
                yield return Seed(seed, site, blueprint, glyphs);
            }
        }

        int dormant = summary.Seeds.Length - shown.Length;
        if (dormant > 0)
        {
            yield return new StyledLine().Add($"{dormant} of {summary.Seeds.Length} seeds are dormant", Styles.Dim);
        }
    }

    private static StyledLine Seed(SeedSummary seed, int site, int blueprint, Glyphs glyphs)
    {
        _ = Enum.TryParse(seed.Stage, out SeedStage stage);
        string none = glyphs.Rest.ToString();
        string gain = seed.Gain is not { } g ? "not measured"
            : (g * 100).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture)
                + (seed.GainInterval is { } i ? " ± " + (i * 100).ToString("0.00", CultureInfo.InvariantCulture) : string.Empty);
        return new StyledLine().Add($"{seed.Site.PadRight(site)}  {seed.Seed,4}  ")
            .Add(seed.Stage.PadRight(10), Styles.Name(stage))
            .Add($"  {(seed.Blueprint ?? none).PadRight(blueprint)}  ")
            .Add(string.Create(CultureInfo.InvariantCulture, $"{seed.Alpha,5:0.00}  {seed.Parameters,10:N0}  ")).Add(gain);
    }
}

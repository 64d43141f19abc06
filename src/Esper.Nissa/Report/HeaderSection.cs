using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>Title, state of the run, and the tiles with its outcome.</summary>
internal static class HeaderSection
{
    public static void Write(RunRecord record, Markup output)
    {
        RunInfo info = record.Info;
        output.Open("header").Open("div", ("class", "title"))
            .Element("h1", info.RunId);
        (string text, string css) = State(record);
        output.Element("span", text, ("class", $"state {css}")).Close()
            .Element("p", $"{info.Host} on {info.Dataset}, policy {info.Policy}, {info.Device} with {info.Threads} "
                + $"{(info.Threads == 1 ? "thread" : "threads")}, seed {info.Seed}", ("class", "facts"));
        WriteNotices(record, output);
        output.Open("div", ("class", "tiles"));
        WriteTiles(record, output);
        output.Close().Close();
    }

    private static (string Text, string Css) State(RunRecord record) => record.Summary?.Outcome switch
    {
        RunOutcome.Completed => ("✓ completed", "good"),
        RunOutcome.Interrupted => ($"‖ interrupted after epoch {record.Summary.Epochs} of {record.Info.Epochs}", "warn"),
        _ => ("… no summary", "warn"),
    };

    private static void WriteNotices(RunRecord record, Markup output)
    {
        if (record.Summary is null)
        {
            int done = record.Epochs.IsEmpty ? 0 : record.Epochs[^1].Epoch;
            output.Element("p", $"The run has written no summary: it is still running, or ended without one. {done} of "
                + $"{record.Info.Epochs} epochs are recorded. A run that ended continues with --resume {record.Info.Directory}.",
                ("class", "notice"));
        }
        else if (record.Summary.Outcome == RunOutcome.Interrupted)
        {
            output.Element("p", "The test set was not read, as it is read once, at the end. Continue the run with "
                + $"--resume {record.Info.Directory}.", ("class", "notice"));
        }

        foreach (string warning in record.Warnings)
        {
            output.Element("p", warning, ("class", "notice"));
        }
    }

    private static void WriteTiles(RunRecord record, Markup output)
    {
        RunSummary? summary = record.Summary;
        EpochReport? last = record.Epochs.IsEmpty ? null : record.Epochs[^1];
        Tile(output, "test accuracy", summary?.AccuracyFinal is { } test ? HumanText.Percent(test) : HumanText.Nothing,
            summary?.LossFinal is { } loss
                ? $"loss {HumanText.Number(loss)}, {HumanText.Whole(record.Info.TestExamples)} examples" : "not read");
        Tile(output, "validation accuracy", last is null ? HumanText.Nothing
            : HumanText.Percent(last.ValidationAccuracy), Best(record));
        WriteParameters(record, last, output);
        double? flops = summary?.TrainFlops ?? last?.TrainFlops;
        Tile(output, "training operations", flops is { } f ? HumanText.Scaled(f) + "FLOP" : HumanText.Nothing,
            "forward and backward, all epochs");
        double? step = summary?.StepMsMedian ?? last?.StepMilliseconds;
        Tile(output, "step, median", step is { } ms ? HumanText.Number(Math.Round(ms, 2)) + " ms" : HumanText.Nothing,
            summary is null && last is not null ? "of the last epoch" : $"batch of {HumanText.Whole(record.Info.BatchSize)}");
        double seconds = summary?.Seconds ?? record.Epochs.Sum(e => e.Seconds);
        Tile(output, "duration", last is null && summary is null ? HumanText.Nothing : HumanText.Duration(seconds),
            $"{record.Epochs.Length} of {record.Info.Epochs} epochs");
        WriteSeeds(record, last, output);
        WriteDigest(summary, output);
    }

    private static void WriteParameters(RunRecord record, EpochReport? last, Markup output)
    {
        long initial = record.Summary?.ParametersInitial ?? record.Info.Parameters;
        long? final = record.Summary?.ParametersFinal ?? last?.Parameters;
        string grown = (final ?? initial, HumanText.Scaled(initial)) switch
        {
            var (count, before) when count == initial => before,
            // A growth too small for three digits shows in full.
            var (count, before) when HumanText.Scaled(count) == before => HumanText.Whole(count),
            var (count, before) => $"{before} → {HumanText.Scaled(count)}",
        };
        string detail = final switch
        {
            null => $"{HumanText.Whole(initial)}",
            { } f when f == initial => $"{HumanText.Whole(initial)}, unchanged",
            { } f => $"{HumanText.Whole(initial)} → {HumanText.Whole(f)} ({Relative(f, initial)})",
        };
        Tile(output, "parameters", grown, detail);
    }

    private static string Relative(long count, long before) =>
        (count > before ? "+" : "−") + HumanText.Percent(Math.Abs(count - before) / (double)before);

    private static void WriteSeeds(RunRecord record, EpochReport? last, Markup output)
    {
        int seeds = record.Info.Sites.Sum(s => s.SeedChannels.Length);
        int kept = last?.Seeds.Count(s => s.Stage == SeedStage.Fossilized) ?? 0;
        int culls = record.Events.Count(e => e.From != e.To && e.To == SeedStage.Culled);
        int births = record.Events.Count(e => e.From != e.To && e.To == SeedStage.Germinated);
        Tile(output, "growth", births == 0 ? "none" : $"{kept} kept", $"{births} germinated, {culls} culled, of {seeds} seeds");
    }

    private static void WriteDigest(RunSummary? summary, Markup output)
    {
        string? digest = summary?.ParametersDigest;
        Tile(output, "parameters digest", digest is null ? HumanText.Nothing : digest[..Math.Min(12, digest.Length)],
            digest is null ? "written at the end" : "SHA-256, whole below", code: true);
    }

    private static string Best(RunRecord record)
    {
        if (record.Epochs.IsEmpty)
        {
            return "no epoch completed";
        }

        EpochReport best = record.Epochs.MaxBy(e => e.ValidationAccuracy)!;
        return $"last epoch; best {HumanText.Percent(best.ValidationAccuracy)} at {best.Epoch}";
    }

    private static void Tile(Markup output, string name, string value, string detail, bool code = false) =>
        output.Open("div", ("class", "tile"))
            .Element("div", name, ("class", "name"))
            .Element("div", value, ("class", code ? "value code" : "value"))
            .Element("div", detail, ("class", "detail")).Close();
}

using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Runs;

namespace Esper.Nissa;

/// <summary>
/// Takes a run's record back to a checkpoint, so that a resumed run does not tell the same epochs twice.
/// </summary>
internal static class RecordTruncation
{
    /// <summary>
    /// Drops metrics, events and decisions later than the end of an epoch, and the summary of the earlier sitting.
    /// </summary>
    /// <exception cref="EsperException">A file is damaged, or the metrics do not reach the epoch.</exception>
    public static void To(RunDirectory directory, int completedEpochs)
    {
        long? lastStep = completedEpochs == 0 ? 0 : null;
        List<JsonElement> metrics = Filter(directory.MetricsPath, (reader, line) =>
        {
            if (MetricKind.Of(line, reader) == MetricKind.Step)
            {
                return reader.Convert<StepRecord>(line).Epoch <= completedEpochs;
            }

            EpochReport report = reader.Convert<EpochReport>(line);
            if (report.Epoch == completedEpochs)
            {
                lastStep = report.Step;
            }

            return report.Epoch <= completedEpochs;
        });
        if (lastStep is not { } limit)
        {
            throw new EsperException(
                $"{directory.MetricsPath} has no epoch {completedEpochs}, which the checkpoint stands at. "
                + "Resume from an earlier checkpoint, or restore the file.");
        }

        // An event between two steps belongs to the epoch under way, though it counts only completed epochs: steps
        // decide.
        List<JsonElement> events = Filter(directory.EventsPath, (reader, line) =>
        {
            LifecycleEvent change = reader.Convert<LifecycleEvent>(line);
            return completedEpochs > 0 && change.Epoch <= completedEpochs && change.Step <= limit;
        });

        List<JsonElement> decisions = Filter(
            directory.DecisionsPath,
            (reader, line) => DecisionRecord.Of(line, reader).Decision.State.Epoch <= completedEpochs);
        List<JsonElement>? failures = File.Exists(directory.FailuresPath)
            ? Filter(directory.FailuresPath, (reader, line) => reader.Convert<DecisionFailure>(line).Epoch <= completedEpochs)
            : null;

        Replace(directory.MetricsPath, metrics);
        if (failures is not null)
        {
            Replace(directory.FailuresPath, failures);
        }

        Replace(directory.EventsPath, events);
        Replace(directory.DecisionsPath, decisions);
        File.Delete(directory.SummaryPath);
    }

    private static List<JsonElement> Filter(string path, Func<JsonLinesReader, JsonElement, bool> keep)
    {
        using JsonLinesReader reader = new(path);
        List<JsonElement> kept = [];
        while (reader.TryRead(out JsonElement? line))
        {
            if (keep(reader, line.Value))
            {
                kept.Add(line.Value);
            }
        }

        return kept;
    }

    private static void Replace(string path, List<JsonElement> lines) =>
        AtomicFile.WriteText(path, string.Concat(lines.Select(line => line.GetRawText() + "\n")));
}

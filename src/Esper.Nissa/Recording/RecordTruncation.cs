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
        (List<JsonElement> metrics, int rollbacks, long limit) = KeptMetrics(directory.MetricsPath, completedEpochs);
        List<JsonElement> events = KeptEvents(directory.EventsPath, completedEpochs, rollbacks, limit);
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

    /// <summary>
    /// The lines up to the end of the epoch in the order of the file, less those that a rollback among them made void: a rollback behind that
    /// line has not happened where the run resumes.
    /// </summary>
    /// <returns>The lines, how many of them tell of rollbacks, and the steps done at the end of the epoch.</returns>
    private static (List<JsonElement> Lines, int Rollbacks, long LastStep) KeptMetrics(string path, int completedEpochs)
    {
        using JsonLinesReader reader = new(path);
        List<(JsonElement Line, Func<RollbackReport, bool> IsVoid)> lines = [];
        int rollbacks = 0;
        (List<JsonElement> Lines, int Rollbacks, long LastStep)? kept = completedEpochs == 0 ? ([], 0, 0) : null;
        while (reader.TryRead(out JsonElement? line))
        {
            switch (MetricKind.Of(line.Value, reader))
            {
                case MetricKind.Step:
                    StepRecord step = reader.Convert<StepRecord>(line.Value);
                    lines.Add((line.Value, rollback => rollback.Voids(0, step.Step)));
                    break;
                case MetricKind.Rollback:
                    RollbackReport rollback = reader.Convert<RollbackReport>(line.Value);
                    rollbacks++;
                    lines.RemoveAll(before => before.IsVoid(rollback));
                    lines.Add((line.Value, static _ => false));
                    break;
                default:
                    EpochReport report = reader.Convert<EpochReport>(line.Value);
                    lines.Add((line.Value, rollback => rollback.Voids(report.Epoch, report.Step)));
                    if (report.Epoch == completedEpochs)
                    {
                        kept = (lines.ConvertAll(known => known.Line), rollbacks, report.Step);
                    }

                    break;
            }
        }

        return kept
            ?? throw new EsperException(
                $"{path} has no epoch {completedEpochs}, which the checkpoint stands at. "
                + "Resume from an earlier checkpoint, or restore the file.");
    }

    /// <summary>
    /// Events up to the end of the epoch. One between two steps belongs to the epoch under way, though it counts only completed epochs:
    /// steps decide.
    /// </summary>
    private static List<JsonElement> KeptEvents(string path, int completedEpochs, int rollbacks, long limit)
    {
        using JsonLinesReader reader = new(path);
        List<(JsonElement Line, int Epoch, long Step)> kept = [];
        while (reader.TryRead(out JsonElement? line))
        {
            if (MetricKind.IsRollback(line.Value))
            {
                if (rollbacks-- == 0)
                {
                    break;
                }

                RollbackReport rollback = reader.Convert<RollbackReport>(line.Value);
                kept.RemoveAll(change => rollback.Voids(change.Epoch, change.Step));
                kept.Add((line.Value, 0, 0));
                continue;
            }

            LifecycleEvent change = reader.Convert<LifecycleEvent>(line.Value);
            kept.Add((line.Value, change.Epoch, change.Step));
        }

        return
        [
            .. kept.Where(change => completedEpochs > 0 && change.Epoch <= completedEpochs && change.Step <= limit)
                .Select(change => change.Line),
        ];
    }

    private static List<JsonElement> Filter(string path, Func<JsonLinesReader, JsonElement, bool> keeps)
    {
        using JsonLinesReader reader = new(path);
        List<JsonElement> kept = [];
        while (reader.TryRead(out JsonElement? line))
        {
            if (keeps(reader, line.Value))
            {
                kept.Add(line.Value);
            }
        }

        return kept;
    }

    private static void Replace(string path, List<JsonElement> lines) =>
        AtomicFile.WriteText(path, string.Concat(lines.Select(line => line.GetRawText() + "\n")));
}

using System.Text;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Runs;

namespace Esper.Nissa;

/// <summary>
/// Writes a run's files as it goes: <c>run.json</c> at the start, a line of <c>metrics.jsonl</c> an epoch (and every k
/// steps where asked for), a line of <c>events.jsonl</c> a lifecycle event, a line of <c>decisions.jsonl</c> a decision, a line of
/// <c>failures.jsonl</c> a decision that failed, a line of metrics and of events a rollback,
/// <c>summary.json</c> at the end.
/// </summary>
/// <remarks>
/// A checkpoint must be written after the epoch was reported: a resume looks the checkpoint's epoch up in the metrics
/// to know which later lines to drop.
/// </remarks>
public sealed class RunRecorder : IRunObserver, IDisposable
{
    private readonly RunDirectory _directory;
    private readonly int _stepInterval;
    private readonly JsonLinesWriter _metrics;
    private readonly JsonLinesWriter _events;
    private readonly DecisionWriter _decisions;
    private JsonLinesWriter? _failures;

    /// <summary>Starts recording a new run.</summary>
    /// <param name="directory">A directory that holds no run yet.</param>
    /// <param name="stepInterval">Record every so many steps; 0 records no steps.</param>
    /// <exception cref="EsperException">A file cannot be created.</exception>
    public RunRecorder(RunDirectory directory, int stepInterval = 0)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentOutOfRangeException.ThrowIfNegative(stepInterval);
        _directory = directory;
        _stepInterval = stepInterval;
        _metrics = new JsonLinesWriter(directory.MetricsPath);
        try
        {
            _events = new JsonLinesWriter(directory.EventsPath);
            _decisions = new DecisionWriter(directory.DecisionsPath);
        }
        catch
        {
            _metrics.Dispose();
            _events?.Dispose();
            throw;
        }
    }

    /// <summary>Continues the record of a run from a checkpoint: what was recorded after it is dropped.</summary>
    /// <param name="directory">The run's directory.</param>
    /// <param name="completedEpochs">Epochs done at the checkpoint; 0 starts the record over.</param>
    /// <param name="stepInterval">Record every so many steps; 0 records no steps.</param>
    /// <exception cref="EsperException">
    /// A file is damaged before its last line, or the metrics do not reach the checkpoint's epoch.
    /// </exception>
    public static RunRecorder Resume(RunDirectory directory, int completedEpochs, int stepInterval = 0)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentOutOfRangeException.ThrowIfNegative(completedEpochs);
        RecordTruncation.To(directory, completedEpochs);
        return new RunRecorder(directory, stepInterval);
    }

    /// <inheritdoc/>
    public void OnStarted(RunInfo info) => WriteDocument(_directory.InfoPath, info);

    /// <inheritdoc/>
    public void OnStep(in StepReport report)
    {
        if (_stepInterval > 0 && report.Step % _stepInterval == 0)
        {
            _metrics.Write(StepRecord.From(report), MetricKind.Step);
        }
    }

    /// <inheritdoc/>
    public void OnLifecycle(LifecycleEvent change) => _events.Write(change);

    /// <inheritdoc/>
    public void OnDecision(DecisionReport report) => _decisions.Write(report);

    /// <inheritdoc/>
    public void OnDecisionFailed(DecisionFailure failure)
    {
        _failures ??= new JsonLinesWriter(_directory.FailuresPath);
        _failures.Write(failure);
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => _metrics.Write(report, MetricKind.Epoch);

    /// <inheritdoc/>
    public void OnRollback(RollbackReport report)
    {
        // In both files: each tells by itself which of its lines are void.
        _metrics.Write(report, MetricKind.Rollback);
        _events.Write(report, MetricKind.Rollback);
    }

    /// <inheritdoc/>
    public void OnFinished(RunSummary summary) => WriteDocument(_directory.SummaryPath, summary);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _metrics.Dispose();
        _events.Dispose();
        _decisions.Dispose();
        _failures?.Dispose();
    }

    private static void WriteDocument<T>(string path, T document)
        where T : notnull
    {
        byte[] json = NonFinite.Serialize(document, EsperJson.Indented, Path.GetFileName(path));
        AtomicFile.WriteText(path, Encoding.UTF8.GetString(json) + "\n");
    }
}

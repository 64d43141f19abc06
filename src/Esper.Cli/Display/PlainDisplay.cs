using System.Globalization;
using Esper.Contracts.Runs;
using Esper.Nissa;

namespace Esper.Cli.Display;

/// <summary>
/// Shows a run where the output is a pipe or a file: a line an epoch and a line a lifecycle event, without escapes.
/// </summary>
public sealed class PlainDisplay : IRunObserver
{
    private readonly TextWriter _output;
    private int _epochs;

    /// <summary>Creates the display.</summary>
    /// <param name="output">Where lines go; flushed after each, so that a follower sees them. Not owned.</param>
    public PlainDisplay(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
    }

    /// <inheritdoc/>
    public void OnStarted(RunInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        _epochs = info.Epochs;
        string threads = info.Threads == 1 ? "1 thread" : $"{info.Threads} threads";
        Write($"run    {info.RunId}: {info.Host} on {info.Dataset}, policy {info.Policy}, {info.Device}, {threads}, seed {info.Seed}, "
            + $"{HumanText.Whole(info.Parameters)} parameters");
    }

    /// <inheritdoc/>
    public void OnStep(in StepReport report)
    {
    }

    /// <inheritdoc/>
    public void OnLifecycle(LifecycleEvent change) =>
        Write("event  " + EventLine.Build(change, Glyphs.For(unicode: false), withStep: true).Text);

    /// <inheritdoc/>
    public void OnDecisionFailed(DecisionFailure failure) => Write("failed " + EventLine.Describe(failure));

    /// <inheritdoc/>
    public void OnRollback(RollbackReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Write(string.Create(
            CultureInfo.InvariantCulture,
            $"fault  {report.Reason}; back to step {report.ToStep} ({report.Number} of {report.Limit}); {report.Remedy}"));
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        string total = _epochs.ToString(CultureInfo.InvariantCulture);
        string epoch = report.Epoch.ToString(CultureInfo.InvariantCulture).PadLeft(total.Length);
        Write(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch  {epoch}/{total}  loss {report.TrainLoss,7:0.0000}  train {Percent(report.TrainAccuracy)}  "
            + $"validation {Percent(report.ValidationAccuracy)}  lr {HumanText.Number(report.LearningRate),-9}  "
            + $"parameters {HumanText.Whole(report.Parameters),11}  {report.StepMilliseconds,8:0.00} ms/step  {report.Seconds,7:0.0} s"));
    }

    /// <inheritdoc/>
    public void OnFinished(RunSummary summary) => SummaryView.Write(summary, _output);

    private static string Percent(double share) => HumanText.Percent(share).PadLeft(8);

    private void Write(string line)
    {
        _output.WriteLine(string.Concat(line.Select(c => char.IsControl(c) ? ' ' : c)));
        _output.Flush();
    }
}

using Esper.Contracts.Runs;

namespace Esper.Nissa;

/// <summary>A training step in <c>metrics.jsonl</c>, the lines of kind <c>step</c>.</summary>
/// <param name="Epoch">Epoch that the step belongs to, from 1.</param>
/// <param name="Step">Steps done since the start of training.</param>
/// <param name="Loss">Training loss of the step's batch, mean over examples.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
/// <param name="StepSeconds">Duration of the step.</param>
public sealed record StepRecord(int Epoch, long Step, double Loss, double LearningRate, double StepSeconds)
{
    /// <summary>The part of a report that is recorded.</summary>
    public static StepRecord From(in StepReport report) =>
        new(report.Epoch, report.Step, report.Loss, report.LearningRate, report.StepSeconds);
}

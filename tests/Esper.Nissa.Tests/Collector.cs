using Esper.Contracts.Control;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

/// <summary>Keeps everything that it is told.</summary>
public sealed class Collector : IRunObserver
{
    public RunInfo? Info { get; private set; }

    public List<StepReport> Steps { get; } = [];

    public List<LifecycleEvent> Events { get; } = [];

    public List<DecisionFailure> Failures { get; } = [];

    public List<EpochReport> Epochs { get; } = [];

    public List<DecisionReport> Decisions { get; } = [];

    public RunSummary? Summary { get; private set; }

    public void OnStarted(RunInfo info) => Info = info;

    public void OnStep(in StepReport report) => Steps.Add(report);

    public void OnLifecycle(LifecycleEvent change) => Events.Add(change);

    public void OnDecision(DecisionReport report) => Decisions.Add(report);

    public void OnDecisionFailed(DecisionFailure failure) => Failures.Add(failure);

    public void OnEpoch(EpochReport report) => Epochs.Add(report);

    public void OnFinished(RunSummary summary) => Summary = summary;
}

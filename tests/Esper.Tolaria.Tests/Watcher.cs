using Esper.Contracts.Runs;

namespace Esper.Tolaria.Tests;

/// <summary>Remembers what a run told.</summary>
internal sealed class Watcher : IRunObserver
{
    public Action<long> OnEachStep { get; init; } = static _ => { };

    public Action OnBegin { get; init; } = static () => { };

    public long Steps => Losses.Count;

    public List<double> Losses { get; } = [];

    public List<LifecycleEvent> Changes { get; } = [];

    public List<RollbackReport> Rollbacks { get; } = [];

    public void OnStarted(RunInfo info) => OnBegin();

    public void OnStep(in StepReport report)
    {
        Losses.Add(report.Loss);
        OnEachStep(report.Step);
    }

    public void OnLifecycle(LifecycleEvent change) => Changes.Add(change);

    public void OnRollback(RollbackReport report) => Rollbacks.Add(report);

    public void OnEpoch(EpochReport report)
    {
    }

    public void OnFinished(RunSummary summary)
    {
    }
}

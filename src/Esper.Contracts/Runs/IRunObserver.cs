using Esper.Contracts.Control;

namespace Esper.Contracts.Runs;

/// <summary>
/// Watches a run. Called on the training thread, between steps, in the order of events; must return quickly.
/// </summary>
public interface IRunObserver
{
    /// <summary>The run is about to take its first step.</summary>
    void OnStarted(RunInfo info);

    /// <summary>A step is done.</summary>
    void OnStep(in StepReport report);

    /// <summary>A seed changed its stage, or was refused to.</summary>
    void OnLifecycle(LifecycleEvent change);

    /// <summary>A policy has decided, and its commands were carried out or refused. Not every observer is interested.</summary>
    void OnDecision(DecisionReport report)
    {
    }

    /// <summary>A policy failed to decide; no command was carried out in its place.</summary>
    void OnDecisionFailed(DecisionFailure failure)
    {
    }

    /// <summary>An epoch is done, decisions at its end included.</summary>
    void OnEpoch(EpochReport report);

    /// <summary>The run was taken back; what was told of later steps and epochs is void.</summary>
    void OnRollback(RollbackReport report)
    {
    }

    /// <summary>The run is over.</summary>
    void OnFinished(RunSummary summary);
}

using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Esper.Contracts.Control;
using Esper.Contracts.Runs;

namespace Esper.Nissa;

/// <summary>
/// Passes everything on to several observers, in order. One that throws does not keep the others from hearing of it:
/// the first exception is thrown again once all were called, so that a broken display costs no line of the record.
/// </summary>
public sealed class CompositeObserver : IRunObserver
{
    private readonly ImmutableArray<IRunObserver> _observers;

    /// <summary>Creates the observer; it does not own the others.</summary>
    public CompositeObserver(params ReadOnlySpan<IRunObserver> observers) => _observers = [.. observers];

    /// <inheritdoc/>
    public void OnStarted(RunInfo info) => Tell(info, static (observer, value) => observer.OnStarted(value));

    /// <inheritdoc/>
    public void OnStep(in StepReport report) => Tell(report, static (observer, value) => observer.OnStep(value));

    /// <inheritdoc/>
    public void OnLifecycle(LifecycleEvent change) => Tell(change, static (observer, value) => observer.OnLifecycle(value));

    /// <inheritdoc/>
    public void OnDecision(DecisionReport report) => Tell(report, static (observer, value) => observer.OnDecision(value));

    /// <inheritdoc/>
    public void OnDecisionFailed(DecisionFailure failure) =>
        Tell(failure, static (observer, value) => observer.OnDecisionFailed(value));

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => Tell(report, static (observer, value) => observer.OnEpoch(value));

    /// <inheritdoc/>
    public void OnRollback(RollbackReport report) => Tell(report, static (observer, value) => observer.OnRollback(value));

    /// <inheritdoc/>
    public void OnFinished(RunSummary summary) => Tell(summary, static (observer, value) => observer.OnFinished(value));

    private void Tell<T>(T value, Action<IRunObserver, T> tell)
    {
        ExceptionDispatchInfo? first = null;
        foreach (IRunObserver observer in _observers)
        {
            try
            {
                tell(observer, value);
            }
            catch (Exception e)
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        first?.Throw();
    }
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Tamiyo.Decisions;

/// <summary>
/// Asks a policy within its time limit. A policy that overruns is stopped and dropped for a fresh one; the decision has failed and is
/// reported so, with no commands in its place. Too many failures in a row end the run.
/// </summary>
public sealed class DecisionDesk
{
    private readonly Func<IGrowthPolicy> _create;
    private readonly DecisionRunner _runner;
    private readonly int _mostFailures;
    private readonly TimeProvider _clock;
    private readonly Action<DecisionFailure> _report;
    private IGrowthPolicy _policy;

    /// <summary>Creates a desk with a fresh policy.</summary>
    /// <param name="create">Makes the policy; called again after each overrun, since a stopped policy may be half changed.</param>
    /// <param name="options">The limit and the number of failures.</param>
    /// <param name="clock">Measures the limit and stamps reports.</param>
    /// <param name="report">Hears of every failure.</param>
    public DecisionDesk(Func<IGrowthPolicy> create, PolicyOptions options, TimeProvider clock, Action<DecisionFailure> report)
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(options);
        (_create, _clock, _report) = (create, clock, report);
        _runner = new DecisionRunner(TimeSpan.FromMilliseconds(options.DecisionLimitMs), clock);
        _mostFailures = options.DecisionFailuresMaximum;
        _policy = create();
        Name = _policy.Name;
    }

    /// <summary>Name of the policy.</summary>
    public string Name { get; }

    /// <summary>Decisions that have failed one after the other; part of a checkpoint.</summary>
    public int Failures { get; private set; }

    /// <summary>Puts the failures as a checkpoint has them.</summary>
    public void Restore(int failures) => Failures = failures;

    /// <summary>Asks whether the decision needs a probe. Does not end a row of failures; <see cref="Decide"/> does.</summary>
    /// <returns>The answer; null where the policy overran, and the decision has failed.</returns>
    /// <exception cref="EsperException">It was one failure too many, or the policy could not be stopped.</exception>
    public bool? NeedsProbe(SystemState state, long step)
    {
        if (_runner.TryRun(() => _policy.NeedsProbe(state), out bool needs))
        {
            return needs;
        }

        Fail(state, step, "whether it needs a probe");
        return null;
    }

    /// <summary>Asks for the decision.</summary>
    /// <returns>The commands; null where the policy overran, and the decision has failed.</returns>
    /// <exception cref="EsperException">It was one failure too many, or the policy could not be stopped.</exception>
    public ImmutableArray<LifecycleCommand>? Decide(SystemState state, long step)
    {
        if (_runner.TryRun(() => _policy.Decide(state), out ImmutableArray<LifecycleCommand> commands))
        {
            Failures = 0;
            return commands;
        }

        Fail(state, step, "what to do");
        return null;
    }

    private void Fail(SystemState state, long step, string question)
    {
        Failures++;
        double limit = _runner.Limit.TotalMilliseconds;
        _report(new DecisionFailure(
            _clock.GetUtcNow(),
            state.Epoch,
            step,
            Name,
            limit,
            Failures,
            _mostFailures,
            $"asked {question}, the policy did not answer within {limit:F0} ms; it was stopped and nothing was decided"));
        if (Failures >= _mostFailures)
        {
            throw new EsperException(
                $"Policy '{Name}' failed to decide {Failures} times in a row, last after epoch {state.Epoch}: it did not answer within "
                + $"{limit:F0} ms. The last checkpoint is whole. Resume with a larger policy.decision_limit_ms, another policy.kind, or a "
                + "larger policy.decision_failures_maximum.");
        }

        _policy = _create();
    }
}

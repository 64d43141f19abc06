using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Tamiyo.Decisions;

/// <summary>
/// Asks a policy, within its time limit where there is one: then the policy lives in a process of its own, which is killed when it
/// overruns. The decision has failed in that case and is reported so, with no commands in its place. Too many failures in a row end
/// the run.
/// </summary>
public sealed class DecisionDesk : IDisposable
{
    private readonly IGrowthPolicy _policy;
    private readonly PolicyProcess? _process;
    private readonly PolicyOptions _options;
    private readonly TimeProvider _clock;
    private readonly Action<DecisionFailure> _report;

    /// <summary>Creates the desk; a process starts with the first question.</summary>
    /// <param name="policy">The policy; with a limit, only its name is used here.</param>
    /// <param name="options">The limit and the number of failures; what a process makes its policy from.</param>
    /// <param name="launch">How to start a process for the policy; may be null where there is no limit.</param>
    /// <param name="clock">Measures the limit and stamps reports.</param>
    /// <param name="report">Hears of every failure.</param>
    /// <exception cref="EsperException">There is a limit and no way to start a process.</exception>
    public DecisionDesk(
        IGrowthPolicy policy, PolicyOptions options, PolicyLaunch? launch, TimeProvider clock, Action<DecisionFailure> report)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(options);
        (_policy, _options, _clock, _report) = (policy, options, clock, report);
        if (options.DecisionLimitMs > 0)
        {
            _process = new PolicyProcess(
                launch ?? throw new EsperException(
                    $"policy.decision_limit_ms: {options.DecisionLimitMs} needs a program that can host the policy, and the caller named none. "
                    + "Train with 'esper train', give TrainRequest.PolicyHost, or set the limit to 0."),
                options,
                TimeSpan.FromMilliseconds(options.DecisionLimitMs),
                clock);
        }
    }

    /// <summary>Name of the policy.</summary>
    public string Name => _policy.Name;

    /// <summary>Decisions that have failed one after the other; part of a checkpoint.</summary>
    public int Failures { get; private set; }

    /// <summary>Ends the policy's process.</summary>
    public void Dispose() => _process?.Dispose();

    /// <summary>Puts the failures as a checkpoint has them.</summary>
    public void Restore(int failures) => Failures = failures;

    /// <summary>Asks whether the decision needs a probe. Does not end a row of failures; <see cref="Decide"/> does.</summary>
    /// <returns>The answer; null where the decision has failed.</returns>
    /// <exception cref="EsperException">It was one failure too many, or the policy could not be asked or stopped.</exception>
    public bool? NeedsProbe(SystemState state, long step)
    {
        if (_process is null)
        {
            return _policy.NeedsProbe(state);
        }

        return Ask(PolicyQuestion.NeedsProbe, state, step)?.NeedsProbe;
    }

    /// <summary>Asks for the decision.</summary>
    /// <returns>The commands; null where the decision has failed.</returns>
    /// <exception cref="EsperException">It was one failure too many, or the policy could not be asked or stopped.</exception>
    public ImmutableArray<LifecycleCommand>? Decide(SystemState state, long step)
    {
        if (_process is null)
        {
            return _policy.Decide(state);
        }

        if (Ask(PolicyQuestion.Decide, state, step)?.Commands is not { } commands)
        {
            return null;
        }

        Failures = 0;
        return [.. commands.Select(command => command.ToCommand())];
    }

    private PolicyReply? Ask(PolicyQuestion question, SystemState state, long step)
    {
        if (_process!.TryAsk(new PolicyRequest(question, state), out PolicyReply? answer, out string? failure))
        {
            return answer;
        }

        Fail(state, step, $"asked {(question == PolicyQuestion.Decide ? "what to do" : "whether it needs a probe")}, the policy {failure}");
        return null;
    }

    private void Fail(SystemState state, long step, string what)
    {
        Failures++;
        int most = _options.DecisionFailuresMaximum;
        _report(new DecisionFailure(
            _clock.GetUtcNow(), state.Epoch, step, Name, _options.DecisionLimitMs, Failures, most, $"{what}; nothing was decided"));
        if (Failures >= most)
        {
            throw new EsperException(
                $"Policy '{Name}' failed to decide {Failures} times in a row, last after epoch {state.Epoch}: {what}. The last checkpoint is "
                + "whole. Raise policy.decision_limit_ms or policy.decision_failures_maximum, or choose another policy.kind; to resume this "
                + "run, do so in its config.yaml.");
        }
    }
}

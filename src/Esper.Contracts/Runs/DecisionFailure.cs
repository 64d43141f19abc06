namespace Esper.Contracts.Runs;

/// <summary>A decision that was not made in time. The policy was stopped, and nothing was decided in its place.</summary>
/// <param name="Time">When it was stopped.</param>
/// <param name="Epoch">Epochs completed.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="LimitMilliseconds">Time that it had, in milliseconds.</param>
/// <param name="Consecutive">Decisions that have failed one after the other, this one included.</param>
/// <param name="MostConsecutive">So many end the run.</param>
/// <param name="Reason">What happened, in one sentence.</param>
public sealed record DecisionFailure(
    DateTimeOffset Time,
    int Epoch,
    long Step,
    string Policy,
    double LimitMilliseconds,
    int Consecutive,
    int MostConsecutive,
    string Reason);

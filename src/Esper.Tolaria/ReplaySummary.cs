using System.Collections.Immutable;

namespace Esper.Tolaria;

/// <summary>One thing that a replay found.</summary>
/// <param name="Line">Line of <c>decisions.jsonl</c>, from 1.</param>
/// <param name="Epoch">Epoch of the decision.</param>
/// <param name="Kind">
/// <c>digest</c>: the line is not what was written; <c>order</c>: an epoch is missing or out of order; <c>policy</c>: another policy decided;
/// <c>state</c>: the state is not sound; <c>commands</c>: the policy decides otherwise.
/// </param>
/// <param name="Message">What, in one sentence.</param>
public sealed record ReplayMismatch(int Line, int Epoch, string Kind, string Message);

/// <summary>What a replay of a run's decisions found.</summary>
/// <param name="Directory">The run directory.</param>
/// <param name="Policy">The policy that decided again.</param>
/// <param name="Decisions">Decisions in the log.</param>
/// <param name="Mismatches">Decisions that something is wrong with.</param>
/// <param name="Commands">Commands that the policy issued in them.</param>
/// <param name="Details">Everything that was found.</param>
public sealed record ReplaySummary(
    string Directory, string Policy, int Decisions, int Mismatches, int Commands, ImmutableArray<ReplayMismatch> Details);

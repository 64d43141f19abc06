using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Control;

/// <summary>What became of a command: one entry for each change or refusal that it led to.</summary>
/// <param name="CommandId">The command.</param>
/// <param name="From">Stage of its seed before.</param>
/// <param name="To">Stage after; equal to <paramref name="From"/> for a refusal.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Verdict">The gate's verdict, where one was asked.</param>
public sealed record CommandAnswer(string CommandId, SeedStage From, SeedStage To, string Reason, GateVerdict? Verdict);

/// <summary>A decision: what it rested on, what was asked for, and what came of it.</summary>
/// <param name="Policy">The policy that decided.</param>
/// <param name="State">Everything that it saw.</param>
/// <param name="Commands">The commands that it issued, in order.</param>
/// <param name="Answers">What became of them; a command without an entry was not carried out, as nothing grows after the last epoch.</param>
public sealed record DecisionReport(
    string Policy,
    SystemState State,
    ImmutableArray<LifecycleCommand> Commands,
    ImmutableArray<CommandAnswer> Answers);

using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tolaria.Checkpoints;

/// <summary>What a checkpoint must hold of the control around a policy. No key and no nonce: a resumed run has its own.</summary>
/// <param name="Quarantine">Arms that are not tried again.</param>
/// <param name="DecisionFailures">Decisions that have failed one after the other.</param>
public sealed record ControlState(ImmutableArray<QuarantinedArm> Quarantine, int DecisionFailures);

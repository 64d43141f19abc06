using System.Collections.Immutable;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Tolaria.Checkpoints;

/// <summary>A checkpoint in memory.</summary>
/// <param name="Tensors">State of the session.</param>
/// <param name="State">Everything else.</param>
public sealed record Checkpoint(ImmutableArray<SavedTensor> Tensors, RunState State)
{
    /// <summary>Puts lattice and session as they were; modules are attached first, their parameters written after.</summary>
    /// <exception cref="Esper.Contracts.EsperException">The checkpoint belongs to another host or lattice.</exception>
    public void LoadInto(HostSession session, SeedLifecycle lifecycle)
    {
        ArgumentNullException.ThrowIfNull(lifecycle);
        lifecycle.Load(State.Seeds);
        SessionTensors.Write(session, Tensors);
    }
}

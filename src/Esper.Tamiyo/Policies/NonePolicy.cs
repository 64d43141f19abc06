using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>Never grows anything: the control.</summary>
public sealed class NonePolicy : IGrowthPolicy
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) => false;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state) => [];
}

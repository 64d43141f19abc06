using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo;

/// <summary>
/// Decides what grows, where and when, and what stays. Policies keep no state of their own: the same state gives the same
/// commands, so that a resumed run decides as an uninterrupted one.
/// </summary>
public interface IGrowthPolicy
{
    /// <summary>Name, as given on the command line; the issuer of its commands.</summary>
    string Name { get; }

    /// <summary>Whether a decision on this state needs <see cref="SeedObservation.Growth"/> of the dormant seeds.</summary>
    bool NeedsProbe(SystemState state);

    /// <summary>The commands to carry out now, in order. Gates may still refuse any of them.</summary>
    ImmutableArray<LifecycleCommand> Decide(SystemState state);
}

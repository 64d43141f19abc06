using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo;

namespace Esper.Tolaria.Tests;

/// <summary>Never decides.</summary>
internal sealed class SpinningPolicy : IGrowthPolicy
{
    public string Name => "schedule";

    public bool NeedsProbe(SystemState state) => false;

    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        while (true)
        {
        }
    }
}

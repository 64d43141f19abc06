using Esper.Contracts;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Tests;

/// <summary>Records what the lifecycle asks of the thing that runs modules.</summary>
internal sealed class FakeExecutor : ISeedExecutor
{
    public Dictionary<SeedId, LatticeSeed> Modules { get; } = [];

    public Dictionary<SeedId, float[]> Parameters { get; } = [];

    public void Germinate(SeedId seed, LatticeSeed description, ReadOnlySpan<float> parameters)
    {
        Modules.Add(seed, description);
        Parameters.Add(seed, parameters.ToArray());
    }

    public void Update(SeedId seed, LatticeSeed description)
    {
        Assert.True(Modules.ContainsKey(seed), $"update of seed {seed}, which has no module");
        Modules[seed] = description;
    }

    public void Release(SeedId seed)
    {
        Assert.True(Modules.Remove(seed), $"release of seed {seed}, which has no module");
        Parameters.Remove(seed);
    }
}

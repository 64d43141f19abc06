using Esper.Contracts;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <summary>What the lifecycle needs of the thing that runs modules. Implemented by a native session; a seam for tests.</summary>
public interface ISeedExecutor
{
    /// <summary>Attaches a module with its initial parameters.</summary>
    void Germinate(SeedId seed, LatticeSeed description, ReadOnlySpan<float> parameters);

    /// <summary>Changes stage, alpha and the like of a module.</summary>
    void Update(SeedId seed, LatticeSeed description);

    /// <summary>Removes a module with its parameters and optimizer state.</summary>
    void Release(SeedId seed);
}

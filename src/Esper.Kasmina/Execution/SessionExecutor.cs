using Esper.Contracts;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>Runs modules in a native session.</summary>
public sealed class SessionExecutor(HostSession session) : ISeedExecutor
{
    /// <inheritdoc/>
    public void Germinate(SeedId seed, LatticeSeed description, ReadOnlySpan<float> parameters) =>
        session.Germinate(seed, description, parameters);

    /// <inheritdoc/>
    public void Update(SeedId seed, LatticeSeed description) => session.Update(seed, description);

    /// <inheritdoc/>
    public void Release(SeedId seed) => session.Release(seed);
}

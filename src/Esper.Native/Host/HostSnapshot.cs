using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// The state of a <see cref="HostSession"/> at one moment, in memory: parameters, buffers, modules with their stages, optimizer
/// state, random numbers. It shares each tensor with the session until one of them writes it.
/// </summary>
public sealed unsafe class HostSnapshot : IDisposable
{
    internal HostSnapshot(HostSnapshotHandle handle) => Handle = handle;

    /// <summary>Bytes of all its tensors.</summary>
    public long Bytes => Query().Bytes;

    /// <summary>
    /// How many of them it does not hold alone, because the session has not written them since or another snapshot has them too.
    /// </summary>
    public long SharedBytes => Query().Shared;

    internal HostSnapshotHandle Handle { get; }

    /// <summary>Frees it; before or after its session, on any thread.</summary>
    public void Dispose() => Handle.Dispose();

    private (long Bytes, long Shared) Query()
    {
        long bytes, shared;
        Status.CheckHost(EsperHostApi.SnapshotQuery(Handle, &bytes, &shared));
        return (bytes, shared);
    }
}

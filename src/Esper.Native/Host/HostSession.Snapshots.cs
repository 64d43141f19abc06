using Esper.Native.Interop;

namespace Esper.Native;

/// <content>Snapshots.</content>
public sealed unsafe partial class HostSession
{
    /// <summary>
    /// Takes a snapshot: a few microseconds, no copy; steps after it copy what they write. Gradients, outputs and what a probe
    /// gathered are not part of it.
    /// </summary>
    /// <returns>The snapshot; any number may live at once, and the caller disposes of each.</returns>
    /// <exception cref="NativeException">Memory is short.</exception>
    public HostSnapshot TakeSnapshot()
    {
        Status.CheckHost(EsperHostApi.SnapshotCreate(handle, out HostSnapshotHandle snapshot));
        return new HostSnapshot(snapshot);
    }

    /// <summary>
    /// Takes the session back to a snapshot: the same calls from here give the same bits as they did from there, whatever germinated,
    /// changed or was released in between. The snapshot stays good.
    /// </summary>
    /// <exception cref="NativeException">The snapshot is of another session; this one is as it was.</exception>
    public void Restore(HostSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Status.CheckHost(EsperHostApi.SnapshotRestore(handle, snapshot.Handle));
    }
}

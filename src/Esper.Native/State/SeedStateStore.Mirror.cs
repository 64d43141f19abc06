using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Esper.Native.Interop;

namespace Esper.Native;

/// <content>
/// Mirrors: arrays of one <see cref="SeedView"/> a seed. The store remembers which one it brought up to date last, by its address,
/// and copies everything to any other.
/// </content>
public sealed unsafe partial class SeedStateStore
{
    private const int ThrownByCopy = -1;
    private const int OutsideTarget = -2;

    // Keeps the mirror's address from being given to another one.
    private SeedMirror? lastMirror;

    /// <summary>Brings a mirror in managed memory up to date: all changes since the last call, everything the first time.</summary>
    /// <returns>Bytes copied; 0 if nothing changed.</returns>
    /// <exception cref="ArgumentException">The mirror is of another number of seeds.</exception>
    public long Mirror(SeedMirror target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (target.Count != Count)
        {
            throw new ArgumentException($"target has {target.Count} entries, the store has {Count} seeds.", nameof(target));
        }

        lastMirror = target;
        fixed (SeedView* first = target.Target)
        {
            HostTarget bounds = new((byte*)first, (byte*)(first + target.Count));
            long copied;
            Status.Check(EsperApi.SeedStoreMirror(handle, &CopyToHost, &bounds, first, &copied));
            return copied;
        }
    }

    /// <summary>Brings a mirror in device memory up to date, with one call of <paramref name="copy"/> or none.</summary>
    /// <param name="target">
    /// Room for one <see cref="SeedView"/> a seed. Memory that was freed and allocated anew at the same address looks like the same
    /// mirror; let another one come between.
    /// </param>
    /// <param name="copy">Queues the copy; what it throws comes out of this call. The changes then stay pending.</param>
    /// <returns>Bytes copied; 0 if nothing changed.</returns>
    /// <exception cref="NativeException">The target is none, or the copy returned a code; the message has it.</exception>
    public long Mirror(DevicePointer target, MirrorCopy copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        DeviceTarget state = new(copy);
        GCHandle reference = GCHandle.Alloc(state);
        try
        {
            long copied;
            int status = EsperApi.SeedStoreMirror(handle, &CopyToDevice, (void*)GCHandle.ToIntPtr(reference), target.Raw, &copied);
            state.Failure?.Throw();
            Status.Check(status);
            return copied;
        }
        finally
        {
            reference.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static int CopyToHost(void* user, void* target, void* source, ulong bytes)
    {
        HostTarget* bounds = (HostTarget*)user;
        byte* first = (byte*)target;
        if (first < bounds->Begin || first > bounds->End || bytes > (ulong)(bounds->End - first))
        {
            return OutsideTarget;
        }

        Buffer.MemoryCopy(source, first, bounds->End - first, (long)bytes);
        return 0;
    }

    // An exception must not unwind through native frames: it waits in the state until the call is back.
    [UnmanagedCallersOnly]
    private static int CopyToDevice(void* user, void* target, void* source, ulong bytes)
    {
        DeviceTarget state = (DeviceTarget)GCHandle.FromIntPtr((nint)user).Target!;
        try
        {
            return state.Copy(DevicePointer.FromRaw(target), new ReadOnlySpan<byte>(source, checked((int)bytes)));
        }
        catch (Exception failure)
        {
            state.Failure = ExceptionDispatchInfo.Capture(failure);
            return ThrownByCopy;
        }
    }

    private readonly struct HostTarget(byte* begin, byte* end)
    {
        public readonly byte* Begin = begin;
        public readonly byte* End = end;
    }

    private sealed class DeviceTarget(MirrorCopy copy)
    {
        public MirrorCopy Copy { get; } = copy;

        public ExceptionDispatchInfo? Failure { get; set; }
    }
}

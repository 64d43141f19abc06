using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Esper.Native.Interop;

namespace Esper.Native;

/// <content>
/// The mirror: an array of one <see cref="SeedView"/> a seed that is brought up to date with one copy. The store remembers what the
/// last call copied, not where to, so that one store serves one mirror.
/// </content>
public sealed unsafe partial class SeedStateStore
{
    private const int ThrownByCopy = -1;
    private const int OutsideTarget = -2;

    /// <summary>Brings a mirror in managed memory up to date with all changes since the last call, everything the first time.</summary>
    /// <param name="target">The same array in each call, one entry a seed.</param>
    /// <returns>Bytes copied; 0 if nothing changed.</returns>
    /// <exception cref="ArgumentException">The length is not the number of seeds.</exception>
    public long Mirror(Span<SeedView> target)
    {
        if (target.Length != Count)
        {
            throw new ArgumentException($"target has {target.Length} entries, the store has {Count} seeds.", nameof(target));
        }

        fixed (SeedView* first = target)
        {
            HostTarget bounds = new((byte*)first, (byte*)(first + target.Length));
            long copied;
            Status.Check(EsperApi.SeedStoreMirror(handle, &CopyToHost, &bounds, first, &copied));
            return copied;
        }
    }

    /// <summary>Brings a mirror in device memory up to date, with one call of <paramref name="copy"/> or none.</summary>
    /// <param name="target">The same memory in each call, room for one <see cref="SeedView"/> a seed.</param>
    /// <param name="copy">Queues the copy; what it throws comes out of this call, and the changes stay pending.</param>
    /// <returns>Bytes copied; 0 if nothing changed.</returns>
    /// <exception cref="NativeException">The target is null, or the copy returned a code; the message has it.</exception>
    public long Mirror(DevicePointer target, MirrorCopy copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        DeviceTarget state = new(copy);
        GCHandle pinned = GCHandle.Alloc(state);
        try
        {
            long copied;
            int status = EsperApi.SeedStoreMirror(handle, &CopyToDevice, (void*)GCHandle.ToIntPtr(pinned), target.Raw, &copied);
            state.Failure?.Throw();
            Status.Check(status);
            return copied;
        }
        finally
        {
            pinned.Free();
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

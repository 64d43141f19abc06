using System.Runtime.InteropServices;

namespace Esper.Native.Interop;

/// <summary>Pointers to spans that the native side requires.</summary>
/// <typeparam name="T">Element type.</typeparam>
internal static class Required<T>
    where T : unmanaged
{
    private static readonly T[] Nothing = GC.AllocateArray<T>(1, pinned: true);

    /// <summary>First element, or for an empty span a place that is never read: NULL would mean "left out".</summary>
    public static ref T Of(ReadOnlySpan<T> span) =>
        ref span.IsEmpty ? ref Nothing[0] : ref MemoryMarshal.GetReference(span);
}

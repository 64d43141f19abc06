namespace Esper.Native;

/// <summary>An address in a device's memory. Nothing on this side follows it; whoever allocated the memory frees it.</summary>
/// <param name="Address">The address as the CUDA driver gives it; 0 = none.</param>
public readonly record struct DevicePointer(ulong Address)
{
    /// <summary>No memory: an optional tensor that is left out.</summary>
    public static DevicePointer None => default;

    /// <summary>Whether it points nowhere.</summary>
    public bool IsNone => Address == 0;

    internal unsafe void* Raw => (void*)checked((nuint)Address);

    /// <summary>The address that many bytes further.</summary>
    /// <exception cref="OverflowException">There is no such address.</exception>
    public DevicePointer Offset(long bytes) => new(checked((ulong)((Int128)Address + bytes)));

    internal static unsafe DevicePointer FromRaw(void* address) => new((nuint)address);
}

namespace Esper.Native;

/// <summary>Sizes of element types.</summary>
public static class HostDTypes
{
    /// <summary>Bytes an element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is no element type.</exception>
    public static int Size(this HostDType type) => type switch
    {
        HostDType.Float32 => 4,
        HostDType.UInt8 or HostDType.Bool => 1,
        HostDType.Int64 or HostDType.Float64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type of the training host."),
    };

    /// <summary>Number of elements of known extents.</summary>
    /// <exception cref="ArgumentException">An extent is negative (dynamic).</exception>
    internal static long Elements(ReadOnlySpan<long> dims)
    {
        long elements = 1;
        foreach (long extent in dims)
        {
            elements = extent >= 0
                ? checked(elements * extent)
                : throw new ArgumentException($"Extent {extent} of [{string.Join(", ", dims.ToArray())}] is negative.");
        }

        return elements;
    }
}

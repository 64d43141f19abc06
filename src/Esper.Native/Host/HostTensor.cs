using System.Buffers;

namespace Esper.Native;

/// <summary>
/// A dense row-major tensor in the caller's memory: element type, extents, and the memory itself. Creating one copies
/// nothing; the memory is pinned for the duration of a call.
/// </summary>
public readonly struct HostTensor
{
    private readonly ReadOnlyMemory<float> floats;
    private readonly ReadOnlyMemory<double> doubles;
    private readonly ReadOnlyMemory<long> longs;
    private readonly ReadOnlyMemory<byte> bytes;
    private readonly long[]? dims;

    private HostTensor(
        HostDType type,
        long length,
        long[] dims,
        ReadOnlyMemory<float> floats = default,
        ReadOnlyMemory<double> doubles = default,
        ReadOnlyMemory<long> longs = default,
        ReadOnlyMemory<byte> bytes = default)
    {
        ArgumentNullException.ThrowIfNull(dims);
        long elements = HostDTypes.Elements(dims);
        if (length != elements)
        {
            throw new ArgumentException(
                $"{length} elements do not fill a tensor of extents [{string.Join(", ", dims)}], which has {elements}.",
                nameof(dims));
        }

        DType = type;
        this.dims = dims;
        this.floats = floats;
        this.doubles = doubles;
        this.longs = longs;
        this.bytes = bytes;
    }

    /// <summary>Element type.</summary>
    public HostDType DType { get; }

    /// <summary>Extents, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<long> Dims => dims;

    /// <summary>Whether this is a tensor at all; the default value of the type is none.</summary>
    internal bool IsDefined => dims is not null;

    /// <summary>Number of elements.</summary>
    public long ElementCount => HostDTypes.Elements(Dims);

    /// <summary>A float32 tensor.</summary>
    /// <exception cref="ArgumentException">The memory is not exactly as long as the extents say.</exception>
    public static HostTensor Float(ReadOnlyMemory<float> data, params long[] dims) =>
        new(HostDType.Float32, data.Length, dims, floats: data);

    /// <summary>A float64 tensor.</summary>
    /// <exception cref="ArgumentException">The memory is not exactly as long as the extents say.</exception>
    public static HostTensor Double(ReadOnlyMemory<double> data, params long[] dims) =>
        new(HostDType.Float64, data.Length, dims, doubles: data);

    /// <summary>An int64 tensor, such as class numbers or token numbers.</summary>
    /// <exception cref="ArgumentException">The memory is not exactly as long as the extents say.</exception>
    public static HostTensor Int64(ReadOnlyMemory<long> data, params long[] dims) =>
        new(HostDType.Int64, data.Length, dims, longs: data);

    /// <summary>A tensor of unsigned bytes.</summary>
    /// <exception cref="ArgumentException">The memory is not exactly as long as the extents say.</exception>
    public static HostTensor UInt8(ReadOnlyMemory<byte> data, params long[] dims) =>
        new(HostDType.UInt8, data.Length, dims, bytes: data);

    /// <summary>A tensor of truth values, one byte each, 0 or 1.</summary>
    /// <exception cref="ArgumentException">The memory is not exactly as long as the extents say.</exception>
    public static HostTensor Bool(ReadOnlyMemory<byte> data, params long[] dims) =>
        new(HostDType.Bool, data.Length, dims, bytes: data);

    /// <summary>Pins the memory until the handle is disposed.</summary>
    internal MemoryHandle Pin() => DType switch
    {
        HostDType.Float32 => floats.Pin(),
        HostDType.Float64 => doubles.Pin(),
        HostDType.Int64 => longs.Pin(),
        _ => bytes.Pin(),
    };
}

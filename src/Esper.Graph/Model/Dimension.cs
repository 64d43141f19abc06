using System.Globalization;

namespace Esper.Graph;

/// <summary>
/// One extent of a shape: a fixed number, or a fixed multiple of the batch size N. Multiples other than 1 arise where the
/// batch is folded with other axes, as in [N, T, V] reshaped to [N*T, V].
/// </summary>
public readonly record struct Dimension
{
    /// <summary>Creates an extent of <paramref name="size"/>, times N if <paramref name="isDynamic"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is negative.</exception>
    public Dimension(long size, bool isDynamic = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        Size = size;
        IsDynamic = isDynamic;
    }

    /// <summary>The batch size N.</summary>
    public static Dimension Batch => new(1, isDynamic: true);

    /// <summary>The extent if fixed; the extent for one example (N = 1) if dynamic.</summary>
    public long Size { get; }

    /// <summary>Whether the extent grows with the batch size.</summary>
    public bool IsDynamic { get; }

    /// <summary>The extent as the native executor takes it: the number, or -1 if dynamic.</summary>
    public long Value => IsDynamic ? -1 : Size;

    /// <summary>The extent for a batch of <paramref name="batch"/> examples.</summary>
    public long At(long batch) => IsDynamic ? checked(Size * batch) : Size;

    /// <summary>Reads -1 as the batch size and other numbers as themselves.</summary>
    public static implicit operator Dimension(long value) => FromInt64(value);

    /// <summary>Reads -1 as the batch size and other numbers as themselves.</summary>
    public static Dimension FromInt64(long value) => value == -1 ? Batch : new Dimension(value);

    /// <summary><c>N</c>, <c>N*128</c> or the number.</summary>
    public override string ToString()
    {
        string size = Size.ToString(CultureInfo.InvariantCulture);
        return !IsDynamic ? size : Size == 1 ? "N" : "N*" + size;
    }
}

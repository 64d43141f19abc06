using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>Element type of an array in a .npy file, as far as it is read here.</summary>
public enum NpyType
{
    /// <summary>Truth value, one byte.</summary>
    Bool,

    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Signed 64-bit integer; narrower ones are widened to it.</summary>
    Int64,

    /// <summary>IEEE binary32; binary16 is widened to it.</summary>
    Float32,

    /// <summary>IEEE binary64.</summary>
    Float64,
}

/// <summary>An array as NumPy's .npy files hold it, row-major.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Extents, outermost first; empty for a single number.</param>
/// <param name="Content">The elements' bytes in the machine's order.</param>
public sealed record NpyArray(NpyType Type, ImmutableArray<long> Shape, byte[] Content)
{
    /// <summary>Bytes of an element.</summary>
    public static int SizeOf(NpyType type) => type switch
    {
        NpyType.Bool or NpyType.UInt8 => 1,
        NpyType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Such as <c>Float32[2, 3]</c>.</summary>
    public override string ToString() => $"{Type}[{string.Join(", ", Shape)}]";
}

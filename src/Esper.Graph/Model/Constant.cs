using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Esper.Graph;

/// <summary>A fixed tensor. Equal when name, element type, shape and content (floats bit by bit) are.</summary>
public sealed record Constant
{
    private Constant(string name, ElementType type, TensorShape shape, long count)
    {
        Name = name;
        ElementType = type;
        Shape = shape;
        if (shape.IsDynamic || shape.ElementsPerExample != count)
        {
            throw new GraphException($"constant '{name}': {count} elements do not fill the shape {shape}");
        }
    }

    /// <summary>Name of the value, unique in the graph.</summary>
    public string Name { get; init; }

    /// <summary>Element type; it says which of the contents below is there.</summary>
    public ElementType ElementType { get; }

    /// <summary>Shape, without dynamic extents.</summary>
    public TensorShape Shape { get; }

    /// <summary>Row-major content of an Int64 constant; default otherwise.</summary>
    public ImmutableArray<long> Integers { get; private init; }

    /// <summary>Row-major content of a Float32 constant; default otherwise.</summary>
    public ImmutableArray<float> Floats { get; private init; }

    /// <summary>Row-major content of a Float64 constant; default otherwise.</summary>
    public ImmutableArray<double> Doubles { get; private init; }

    /// <summary>Row-major content of a Bool (0 or 1) or UInt8 constant; default otherwise.</summary>
    public ImmutableArray<byte> Bytes { get; private init; }

    /// <summary>Creates an Int64 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfIntegers(string name, TensorShape shape, ReadOnlySpan<long> data) =>
        new(name, ElementType.Int64, shape, data.Length) { Integers = [.. data] };

    /// <summary>Creates a Float32 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfFloats(string name, TensorShape shape, ReadOnlySpan<float> data) =>
        new(name, ElementType.Float32, shape, data.Length) { Floats = [.. data] };

    /// <summary>Creates a Float64 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfDoubles(string name, TensorShape shape, ReadOnlySpan<double> data) =>
        new(name, ElementType.Float64, shape, data.Length) { Doubles = [.. data] };

    /// <summary>Creates a Bool constant; every number but 0 is true.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfBooleans(string name, TensorShape shape, ReadOnlySpan<byte> data)
    {
        byte[] truths = data.ToArray();
        for (int i = 0; i < truths.Length; i++)
        {
            truths[i] = truths[i] == 0 ? (byte)0 : (byte)1;
        }

        return new(name, ElementType.Bool, shape, truths.Length) { Bytes = ImmutableCollectionsMarshal.AsImmutableArray(truths) };
    }

    /// <summary>Creates a UInt8 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfBytes(string name, TensorShape shape, ReadOnlySpan<byte> data) =>
        new(name, ElementType.UInt8, shape, data.Length) { Bytes = [.. data] };

    /// <summary>Whether name, element type, shape and content are equal.</summary>
    public bool Equals(Constant? other) =>
        other is not null && Name == other.Name && ElementType == other.ElementType && Shape.Equals(other.Shape)
        && Content().SequenceEqual(other.Content());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Shape, ElementType);

    /// <summary>The content in the machine's byte order.</summary>
    public ReadOnlySpan<byte> Content() => ElementType switch
    {
        ElementType.Int64 => MemoryMarshal.AsBytes(Integers.AsSpan()),
        ElementType.Float32 => MemoryMarshal.AsBytes(Floats.AsSpan()),
        ElementType.Float64 => MemoryMarshal.AsBytes(Doubles.AsSpan()),
        _ => Bytes.AsSpan(),
    };
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A fixed tensor of int64 or float32. Equal when name, shape and content are.</summary>
public sealed record Constant
{
    private Constant(string name, TensorShape shape, ImmutableArray<long> integers, ImmutableArray<float> floats)
    {
        Name = name;
        Shape = shape;
        Integers = integers;
        Floats = floats;
    }

    /// <summary>Name of the value, unique in the graph.</summary>
    public string Name { get; }

    /// <summary>Shape, without dynamic extents.</summary>
    public TensorShape Shape { get; }

    /// <summary>Row-major content of an int64 constant; default otherwise.</summary>
    public ImmutableArray<long> Integers { get; }

    /// <summary>Row-major content of a float32 constant; default otherwise.</summary>
    public ImmutableArray<float> Floats { get; }

    /// <summary><see cref="Graph.ElementType.Int64"/> or <see cref="Graph.ElementType.Float32"/>.</summary>
    public ElementType ElementType => Integers.IsDefault ? ElementType.Float32 : ElementType.Int64;

    /// <summary>Creates an int64 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfIntegers(string name, TensorShape shape, ReadOnlySpan<long> data)
    {
        Check(name, shape, data.Length);
        return new Constant(name, shape, [.. data], default);
    }

    /// <summary>Creates a float32 constant.</summary>
    /// <exception cref="GraphException">Shape and number of elements disagree, or the shape is dynamic.</exception>
    public static Constant OfFloats(string name, TensorShape shape, ReadOnlySpan<float> data)
    {
        Check(name, shape, data.Length);
        return new Constant(name, shape, default, [.. data]);
    }

    /// <summary>Whether name, shape, type and content are equal (floats bit by bit).</summary>
    public bool Equals(Constant? other) =>
        other is not null && Name == other.Name && Shape.Equals(other.Shape) && ElementType == other.ElementType
        && (Integers.IsDefault
            ? System.Runtime.InteropServices.MemoryMarshal.AsBytes(Floats.AsSpan())
                .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(other.Floats.AsSpan()))
            : Integers.AsSpan().SequenceEqual(other.Integers.AsSpan()));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Shape, ElementType);

    private static void Check(string name, TensorShape shape, long count)
    {
        if (shape.IsDynamic || shape.ElementsPerExample != count)
        {
            throw new GraphException($"constant '{name}': {count} elements do not fill the shape {shape}");
        }
    }
}

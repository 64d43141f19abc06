using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Esper.Graph;

/// <summary>Extents of a row-major tensor, outermost first. Equal when all extents are equal.</summary>
[CollectionBuilder(typeof(TensorShape), nameof(Create))]
public sealed class TensorShape : IEquatable<TensorShape>, IReadOnlyList<Dimension>
{
    private readonly ImmutableArray<Dimension> _dimensions;

    private TensorShape(ImmutableArray<Dimension> dimensions) => _dimensions = dimensions;

    /// <summary>The shape of a single number.</summary>
    public static TensorShape Scalar { get; } = new([]);

    /// <summary>Extents, outermost first.</summary>
    public ImmutableArray<Dimension> Dimensions => _dimensions;

    /// <summary>Number of axes.</summary>
    public int Rank => _dimensions.Length;

    /// <summary>Number of axes.</summary>
    public int Count => _dimensions.Length;

    /// <summary>Whether an extent grows with the batch size.</summary>
    public bool IsDynamic => _dimensions.Any(d => d.IsDynamic);

    /// <summary>Number of elements with a batch size of 1.</summary>
    public long ElementsPerExample
    {
        get
        {
            long product = 1;
            foreach (Dimension dimension in _dimensions)
            {
                product = checked(product * dimension.Size);
            }

            return product;
        }
    }

    /// <summary>Extent of an axis.</summary>
    public Dimension this[int index] => _dimensions[index];

    /// <summary>Creates a shape; -1 is the batch size.</summary>
    public static TensorShape Create(ReadOnlySpan<Dimension> dimensions) =>
        dimensions.IsEmpty && Scalar is not null ? Scalar : new TensorShape([.. dimensions]);

    /// <summary>Creates a shape from numbers; -1 is the batch size.</summary>
    public static TensorShape Of(params ReadOnlySpan<long> extents)
    {
        ImmutableArray<Dimension>.Builder builder = ImmutableArray.CreateBuilder<Dimension>(extents.Length);
        foreach (long extent in extents)
        {
            builder.Add(extent);
        }

        return new TensorShape(builder.MoveToImmutable());
    }

    /// <summary>Extents as the native executor takes them: -1 where dynamic.</summary>
    public long[] ToArray() => [.. _dimensions.Select(d => d.Value)];

    /// <summary>Extents for a batch of <paramref name="batch"/> examples.</summary>
    public long[] ToArray(long batch) => [.. _dimensions.Select(d => d.At(batch))];

    /// <summary>Whether all extents are equal.</summary>
    public bool Equals(TensorShape? other) => other is not null && _dimensions.AsSpan().SequenceEqual(other._dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorShape);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (Dimension dimension in _dimensions)
        {
            hash.Add(dimension);
        }

        return hash.ToHashCode();
    }

    /// <summary>Enumerates the extents.</summary>
    public IEnumerator<Dimension> GetEnumerator() => ((IEnumerable<Dimension>)_dimensions).GetEnumerator();

    /// <inheritdoc/>
    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Such as <c>[N, 16, 32, 32]</c>.</summary>
    public override string ToString() => "[" + string.Join(", ", _dimensions) + "]";
}

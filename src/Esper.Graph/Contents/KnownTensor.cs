using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A small tensor whose numbers are known before the batch is: shapes, axes, bounds, and what is computed from them.</summary>
/// <param name="ElementType">Element type; truth values are 0 and 1.</param>
/// <param name="Extents">Extents, all fixed.</param>
/// <param name="Numbers">The numbers, row-major.</param>
internal sealed record KnownTensor(ElementType ElementType, ImmutableArray<long> Extents, ImmutableArray<SymbolicNumber> Numbers)
{
    /// <summary>What is larger is left to the executor.</summary>
    public const long LargestCount = 4096;

    public TensorShape Shape => TensorShape.Of(Extents.AsSpan());

    /// <summary>Whether no number depends on the batch size.</summary>
    public bool IsFixed => Numbers.All(number => !number.IsDynamic);

    public bool IsReal => ElementType is ElementType.Float32 or ElementType.Float64;

    public static KnownTensor Vector(IEnumerable<SymbolicNumber> numbers)
    {
        ImmutableArray<SymbolicNumber> all = [.. numbers];
        return new KnownTensor(ElementType.Int64, [all.Length], all);
    }

    public static KnownTensor Scalar(SymbolicNumber number) => new(ElementType.Int64, [], [number]);

    /// <summary>The content of a constant; null where it is large, or has whole numbers that binary64 does not hold.</summary>
    public static KnownTensor? Of(Constant constant)
    {
        if (constant.Shape.ElementsPerExample > LargestCount)
        {
            return null;
        }

        IEnumerable<double> numbers = constant.ElementType switch
        {
            ElementType.Int64 => constant.Integers.Select(Whole),
            ElementType.Float32 => constant.Floats.Select(value => (double)value),
            ElementType.Float64 => constant.Doubles,
            _ => constant.Bytes.Select(value => (double)value),
        };
        ImmutableArray<SymbolicNumber> all = [.. numbers.Select(value => new SymbolicNumber(value))];
        return constant.ElementType == ElementType.Int64 && all.Any(number => double.IsNaN(number.Value))
            ? null
            : new KnownTensor(constant.ElementType, [.. constant.Shape.Select(extent => extent.Size)], all);
    }

    /// <summary>The tensor as a constant. Only where it is fixed.</summary>
    public Constant ToConstant(string name)
    {
        double[] numbers = [.. Numbers.Select(number => number.Value)];
        return ElementType switch
        {
            ElementType.Int64 => Constant.OfIntegers(name, Shape, [.. Numbers.Select(number => number.Whole)]),
            ElementType.Float32 => Constant.OfFloats(name, Shape, [.. numbers.Select(value => (float)value)]),
            ElementType.Float64 => Constant.OfDoubles(name, Shape, numbers),
            ElementType.Bool => Constant.OfBooleans(name, Shape, [.. numbers.Select(value => value != 0 ? (byte)1 : (byte)0)]),
            _ => Constant.OfBytes(name, Shape, [.. numbers.Select(value => (byte)value)]),
        };
    }

    // Bounds beyond every extent; anything else beyond 2^53 would lose digits.
    private static double Whole(long value) =>
        Math.Abs((double)value) <= SymbolicNumber.Exact || value is long.MaxValue or long.MinValue or int.MaxValue or int.MinValue or (long.MinValue + 1)
            ? value
            : double.NaN;
}

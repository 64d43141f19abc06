using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Sets of element types that operators take.</summary>
internal static class ElementTypes
{
    /// <summary>float32 and float64.</summary>
    public static readonly ImmutableArray<ElementType> Floats = [ElementType.Float32, ElementType.Float64];

    /// <summary>What sums stay in: floating point and int64.</summary>
    public static readonly ImmutableArray<ElementType> Summable = [.. Floats, ElementType.Int64];

    /// <summary>What has an order and arithmetic.</summary>
    public static readonly ImmutableArray<ElementType> Numbers = [.. Summable, ElementType.UInt8];

    /// <summary>Numbers and truth values.</summary>
    public static readonly ImmutableArray<ElementType> All = [.. Numbers, ElementType.Bool];

    /// <summary>int64 and uint8.</summary>
    public static readonly ImmutableArray<ElementType> Integers = [ElementType.Int64, ElementType.UInt8];

    /// <summary>Truth values.</summary>
    public static readonly ImmutableArray<ElementType> Bools = [ElementType.Bool];
}

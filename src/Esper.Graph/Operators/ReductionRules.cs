using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of reductions (opset 18: axes are an input), CumSum, and of what ranks the elements along an axis.</summary>
internal static class ReductionRules
{
    /// <summary><see cref="Reduce"/> of one of these element types.</summary>
    public static ShapeRule ReduceOf(ImmutableArray<ElementType> allowed) => c =>
    {
        c.Typed(0, allowed.AsSpan());
        return Reduce(c);
    };

    /// <summary>x, optionally axes -> x with those axes (all where none are named) reduced to 1 or dropped.</summary>
    public static ImmutableArray<TensorType> Reduce(RuleContext c)
    {
        TensorType x = c.Input(0);
        ImmutableArray<long> named = c.Integers(1, "axes") ?? [];
        if (named.IsEmpty && c.Attributes.Int("noop_with_empty_axes", 0) != 0)
        {
            return [x];
        }

        HashSet<int> axes = named.IsEmpty
            ? [.. Enumerable.Range(0, x.Shape.Rank)]
            : [.. named.Select(axis => c.Axis(axis, x.Shape.Rank))];
        return RuleContext.One(x.ElementType, Without(c, x.Shape, axes));
    }

    /// <summary>x -> Int64 positions along <c>axis</c>, which is reduced to 1 or dropped.</summary>
    public static ImmutableArray<TensorType> Arg(RuleContext c)
    {
        TensorShape x = c.Typed(0, ElementTypes.Numbers.AsSpan()).Shape;
        int axis = c.Axis(c.Attributes.Int("axis", 0), x.Rank);
        return x[axis].Size > 0
            ? RuleContext.One(ElementType.Int64, Without(c, x, [axis]))
            : throw c.Fail($"axis {axis} of {x} has no elements");
    }

    /// <summary>x, K (one number) -> values and Int64 positions of the K largest or smallest along <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> TopK(RuleContext c)
    {
        TensorType x = c.Typed(0, ElementTypes.Numbers.AsSpan());
        int axis = c.Axis(c.Attributes.Int("axis", -1), x.Shape.Rank);
        ImmutableArray<long> counts = c.Integers(1, "K") ?? [];
        if (counts.Length != 1 || counts[0] < 0)
        {
            throw c.Fail($"its K is [{string.Join(", ", counts)}], one number, 0 or larger, is needed");
        }

        Dimension extent = x.Shape[axis];
        if (extent.IsDynamic || counts[0] > extent.Size)
        {
            throw c.Fail(extent.IsDynamic
                ? $"axis {axis} of {x.Shape} is the batch and cannot be ranked"
                : $"K = {counts[0]} exceeds axis {axis} of {x.Shape}");
        }

        TensorShape shape = TensorShape.Create([.. x.Shape.Select((d, i) => i == axis ? counts[0] : d)]);
        return [new TensorType(x.ElementType, shape), new TensorType(ElementType.Int64, shape)];
    }

    /// <summary>x, axis (one number) -> like x.</summary>
    public static ImmutableArray<TensorType> CumulativeSum(RuleContext c)
    {
        TensorType x = c.Typed(0, ElementTypes.Summable.AsSpan());
        ImmutableArray<long> axis = c.Integers(1, "axis") ?? [];
        if (axis.Length != 1)
        {
            throw c.Fail($"its axis is [{string.Join(", ", axis)}], one number is needed");
        }

        c.Axis(axis[0], x.Shape.Rank);
        return [x];
    }

    private static TensorShape Without(RuleContext c, TensorShape x, HashSet<int> axes)
    {
        bool keep = c.Attributes.Int("keepdims", 1) != 0;
        List<Dimension> result = [];
        for (int i = 0; i < x.Rank; i++)
        {
            if (!axes.Contains(i))
            {
                result.Add(x[i]);
            }
            else if (keep)
            {
                result.Add(1);
            }
        }

        return [.. result];
    }
}

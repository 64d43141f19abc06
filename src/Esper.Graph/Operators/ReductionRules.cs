using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of ReduceMean and ReduceSum (opset 18: axes are an input).</summary>
internal static class ReductionRules
{
    /// <summary>x, optionally axes -> x with those axes (all where none are named) reduced to 1 or dropped.</summary>
    public static ImmutableArray<TensorType> Reduce(RuleContext c)
    {
        TensorType x = c.Input(0);
        ImmutableArray<long> named = c.Integers(1, "axes") ?? [];
        if (named.IsEmpty && c.Attributes.Int("noop_with_empty_axes", 0) != 0)
        {
            return [x];
        }

        bool keep = c.Attributes.Int("keepdims", 1) != 0;
        HashSet<int> axes = named.IsEmpty
            ? [.. Enumerable.Range(0, x.Shape.Rank)]
            : [.. named.Select(axis => c.Axis(axis, x.Shape.Rank))];
        List<Dimension> result = [];
        for (int i = 0; i < x.Shape.Rank; i++)
        {
            if (!axes.Contains(i))
            {
                result.Add(x.Shape[i]);
            }
            else if (keep)
            {
                result.Add(1);
            }
        }

        return RuleContext.One(x.ElementType, [.. result]);
    }
}

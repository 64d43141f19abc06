using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of Gather and Scatter.</summary>
internal static class IndexingRules
{
    /// <summary>data, indices (Int64) -> data with <c>axis</c> replaced by the axes of indices.</summary>
    public static ImmutableArray<TensorType> Gather(RuleContext c)
    {
        TensorType data = c.Input(0);
        TensorType indices = c.Indices(1);
        int axis = c.Axis(c.Attributes.Int("axis", 0), data.Shape.Rank);
        return RuleContext.One(
            data.ElementType, [.. data.Shape.Take(axis), .. indices.Shape, .. data.Shape.Skip(axis + 1)]);
    }

    /// <summary>data, indices (Int64, as many axes) -> for each index the element at it along <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> GatherElements(RuleContext c)
    {
        TensorShape indices = c.Indices(1).Shape;
        CheckElements(c, indices);
        return RuleContext.One(c.Input(0).ElementType, indices);
    }

    /// <summary>data, indices (Int64) [batch..., ..., k] -> [batch..., ..., what k indices leave of data].</summary>
    public static ImmutableArray<TensorType> GatherND(RuleContext c)
    {
        long batch = c.Attributes.Int("batch_dims", 0);
        TensorShape data = c.Shape(0);
        TensorShape indices = c.Indices(1).Shape;
        int depth = Depth(c, data, indices, batch);
        if (Enumerable.Range(0, (int)batch).FirstOrDefault(i => data[i] != indices[i], -1) is >= 0 and int axis)
        {
            throw c.Fail($"data {data} and indices {indices} differ in batch axis {axis}");
        }

        return RuleContext.One(c.Input(0).ElementType, [.. indices.SkipLast(1), .. data.Skip((int)batch + depth)]);
    }

    /// <summary>data, indices (Int64), updates -> data with updates at the indices along <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> ScatterElements(RuleContext c)
    {
        TensorShape indices = c.Indices(1).Shape;
        CheckElements(c, indices);
        return Scattered(c, indices);
    }

    /// <summary>data, indices (Int64) [..., k], updates [..., what k indices leave of data] -> data with the updates.</summary>
    public static ImmutableArray<TensorType> ScatterND(RuleContext c)
    {
        TensorShape data = c.Shape(0);
        TensorShape indices = c.Indices(1).Shape;
        int depth = Depth(c, data, indices, 0);
        return Scattered(c, [.. indices.SkipLast(1), .. data.Skip(depth)]);
    }

    /// <summary>One FLOP an update that is added.</summary>
    public static long ScatterCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        c.Attributes.String("reduction", "none") == "add" ? c.Shape(2).ElementsPerExample : 0;

    private static void CheckElements(RuleContext c, TensorShape indices)
    {
        TensorShape data = c.Shape(0);
        int axis = c.Axis(c.Attributes.Int("axis", 0), data.Rank);
        bool fits = indices.Rank == data.Rank && Enumerable.Range(0, data.Rank).All(
            i => i == axis || (indices[i].IsDynamic == data[i].IsDynamic && indices[i].Size <= data[i].Size));
        if (!fits)
        {
            throw c.Fail($"indices {indices} do not fit the data {data} along axis {axis}");
        }
    }

    // Number of axes that one entry of indices names.
    private static int Depth(RuleContext c, TensorShape data, TensorShape indices, long batch) =>
        indices.Rank > batch && batch >= 0 && indices[^1] is { IsDynamic: false, Size: > 0 and var depth } && batch + depth <= data.Rank
            ? (int)depth
            : throw c.Fail($"indices {indices} do not fit the data {data} with batch_dims {batch}");

    private static ImmutableArray<TensorType> Scattered(RuleContext c, TensorShape expected)
    {
        TensorType data = c.Input(0);
        TensorType updates = c.Input(2);
        if (updates.ElementType != data.ElementType || !updates.Shape.Equals(expected))
        {
            throw c.Fail($"its updates are {updates}, {new TensorType(data.ElementType, expected)} is needed");
        }

        return c.Attributes.String("reduction", "none") is "none" or "add"
            ? [data]
            : throw c.Fail($"reduction '{c.Attributes.String("reduction", "none")}' is neither none nor add");
    }
}

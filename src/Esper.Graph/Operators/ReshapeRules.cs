using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of operators that rearrange axes and keep every element.</summary>
internal static class ReshapeRules
{
    /// <summary>x -> two axes: the product of those before <c>axis</c> and of the rest.</summary>
    public static ImmutableArray<TensorType> Flatten(RuleContext c)
    {
        TensorType x = c.Input(0);
        long stated = c.Attributes.Int("axis", 1);
        int axis = stated == x.Shape.Rank ? x.Shape.Rank : c.Axis(stated, x.Shape.Rank);
        ReadOnlySpan<Dimension> dimensions = x.Shape.Dimensions.AsSpan();
        Dimension? outer = Shapes.Product(dimensions[..axis]);
        Dimension? inner = Shapes.Product(dimensions[axis..]);
        return outer is { } rows && inner is { } columns
            ? RuleContext.One(x.ElementType, [rows, columns])
            : throw c.Fail($"shape {x.Shape} holds the batch size twice");
    }

    /// <summary>x, shape (known; 0 copies an extent, -1 is what remains) -> x in that shape.</summary>
    public static ImmutableArray<TensorType> Reshape(RuleContext c)
    {
        TensorType x = c.Input(0);
        ImmutableArray<SymbolicNumber> target = c.Numbers(1, "shape") ?? throw c.Fail("its shape is missing");
        string text = "[" + string.Join(", ", target) + "]";
        Dimension total = Shapes.Product(x.Shape.Dimensions.AsSpan())
            ?? throw c.Fail($"shape {x.Shape} holds the batch size twice");
        bool zeroCopies = c.Attributes.Int("allowzero", 0) == 0;
        List<Dimension> result = [];
        int open = -1;
        for (int i = 0; i < target.Length; i++)
        {
            double value = target[i].Value;
            if (target[i].ToFixed() == -1 && open < 0)
            {
                open = i;
                result.Add(1);
            }
            else if (value < 0 || (value == 0 && zeroCopies && i >= x.Shape.Rank))
            {
                throw c.Fail($"{x.Shape} cannot take the shape {text}: entry {i} has no meaning");
            }
            else
            {
                result.Add(value == 0 && zeroCopies ? x.Shape[i] : target[i].ToDimension()!.Value);
            }
        }

        Dimension? known = Shapes.Product([.. result]);
        if (open >= 0 && known is { Size: > 0 } part && total.Size % part.Size == 0 && (total.IsDynamic || !part.IsDynamic))
        {
            result[open] = new Dimension(total.Size / part.Size, total.IsDynamic && !part.IsDynamic);
            known = total;
        }

        return known == total
            ? RuleContext.One(x.ElementType, [.. result])
            : throw c.Fail($"{x.Shape} cannot take the shape {text}: the numbers of elements differ");
    }

    /// <summary>x -> x with axes in the order <c>perm</c> (reversed where absent).</summary>
    public static ImmutableArray<TensorType> Transpose(RuleContext c)
    {
        TensorType x = c.Input(0);
        int rank = x.Shape.Rank;
        ImmutableArray<long> order = c.Attributes.Ints("perm") ?? [.. Enumerable.Range(0, rank).Reverse().Select(i => (long)i)];
        if (!order.Order().SequenceEqual(Enumerable.Range(0, rank).Select(i => (long)i)))
        {
            throw c.Fail($"perm [{string.Join(", ", order)}] is no order of the axes of {x.Shape}");
        }

        return RuleContext.One(x.ElementType, [.. order.Select(axis => x.Shape[(int)axis])]);
    }

    /// <summary>x, optionally axes (constant) -> x without those axes of extent 1 (all such where none are named).</summary>
    public static ImmutableArray<TensorType> Squeeze(RuleContext c)
    {
        TensorType x = c.Input(0);
        int rank = x.Shape.Rank;
        HashSet<int> axes = c.Integers(1, "axes") is { } named
            ? [.. named.Select(axis => c.Axis(axis, rank))]
            : [.. Enumerable.Range(0, rank).Where(i => x.Shape[i] == 1)];
        foreach (int axis in axes.Where(axis => x.Shape[axis] != 1))
        {
            throw c.Fail($"axis {axis} of {x.Shape} has extent {x.Shape[axis]}, only extents of 1 can be dropped");
        }

        return RuleContext.One(x.ElementType, [.. x.Shape.Where((_, i) => !axes.Contains(i))]);
    }

    /// <summary>x, axes (constant) -> x with axes of extent 1 at those places of the result.</summary>
    public static ImmutableArray<TensorType> Unsqueeze(RuleContext c)
    {
        TensorType x = c.Input(0);
        ImmutableArray<long> named = c.Integers(1, "axes") ?? throw c.Fail("its axes are missing");
        int rank = x.Shape.Rank + named.Length;
        HashSet<int> axes = [.. named.Select(axis => c.Axis(axis, rank))];
        if (axes.Count != named.Length)
        {
            throw c.Fail($"axes [{string.Join(", ", named)}] repeat an axis");
        }

        Dimension[] result = new Dimension[rank];
        int next = 0;
        for (int i = 0; i < rank; i++)
        {
            result[i] = axes.Contains(i) ? 1 : x.Shape[next++];
        }

        return RuleContext.One(x.ElementType, TensorShape.Create(result));
    }

    /// <summary>X [N, C b b, H, W] -> [N, C, H b, W b]: blocks of channels become blocks of <c>blocksize</c> positions.</summary>
    public static ImmutableArray<TensorType> DepthToSpace(RuleContext c)
    {
        (TensorType x, long block) = Blocks(c);
        if (c.Attributes.String("mode", "DCR") is not ("DCR" or "CRD") and string mode)
        {
            throw c.Fail($"mode '{mode}' is neither DCR nor CRD");
        }

        return x.Shape[1].Size % (block * block) == 0
            ? RuleContext.One(
                x.ElementType, [x.Shape[0], x.Shape[1].Size / (block * block), x.Shape[2].Size * block, x.Shape[3].Size * block])
            : throw c.Fail($"blocks of {block} x {block} do not divide the channels of {x.Shape}");
    }

    /// <summary>X [N, C, H b, W b] -> [N, C b b, H, W]: blocks of <c>blocksize</c> positions become blocks of channels.</summary>
    public static ImmutableArray<TensorType> SpaceToDepth(RuleContext c)
    {
        (TensorType x, long block) = Blocks(c);
        return x.Shape[2].Size % block == 0 && x.Shape[3].Size % block == 0
            ? RuleContext.One(
                x.ElementType, [x.Shape[0], x.Shape[1].Size * block * block, x.Shape[2].Size / block, x.Shape[3].Size / block])
            : throw c.Fail($"blocks of {block} do not divide the positions of {x.Shape}");
    }

    private static (TensorType X, long Block) Blocks(RuleContext c)
    {
        TensorType x = c.Input(0);
        long block = c.Attributes.Int("blocksize", 0);
        return x.Shape.Rank == 4 && block >= 1 && !x.Shape.Skip(1).Any(d => d.IsDynamic)
            ? (x, block)
            : throw c.Fail($"input {x.Shape} must be [N, C, H, W] with fixed axes behind N, and its blocksize {block} 1 or larger");
    }
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of operators that select, join or look up parts of tensors.</summary>
internal static class SelectionRules
{
    /// <summary>Tensors equal but for <c>axis</c> -> joined along it.</summary>
    public static ImmutableArray<TensorType> Concat(RuleContext c)
    {
        TensorType first = c.Input(0);
        int axis = c.Axis(c.Attributes.Int("axis", 0), first.Shape.Rank);
        Dimension sum = first.Shape[axis];
        for (int i = 1; i < c.InputCount; i++)
        {
            TensorType next = c.Input(i);
            bool fits = next.ElementType == first.ElementType && next.Shape.Rank == first.Shape.Rank
                && next.Shape[axis].IsDynamic == sum.IsDynamic
                && Enumerable.Range(0, first.Shape.Rank).All(d => d == axis || next.Shape[d] == first.Shape[d]);
            if (!fits)
            {
                throw c.Fail($"shapes {first.Shape} and {next.Shape} do not join along axis {axis}");
            }

            sum = new Dimension(sum.Size + next.Shape[axis].Size, sum.IsDynamic);
        }

        return RuleContext.One(first.ElementType, Replace(first.Shape, axis, sum));
    }

    /// <summary>
    /// x, starts, ends, optionally axes and steps -> the part. Of the batch axis all is taken (from 0 to its end or beyond, or
    /// in reverse); other parts of it have no fixed share.
    /// </summary>
    public static ImmutableArray<TensorType> Slice(RuleContext c)
    {
        TensorType x = c.Input(0);
        ImmutableArray<SymbolicNumber> starts = c.Numbers(1, "starts") ?? throw c.Fail("its starts are missing");
        ImmutableArray<SymbolicNumber> ends = c.Numbers(2, "ends") ?? throw c.Fail("its ends are missing");
        ImmutableArray<long> axes = c.Integers(3, "axes") ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
        ImmutableArray<long> steps = c.Integers(4, "steps") ?? [.. Enumerable.Repeat(1L, starts.Length)];
        if (ends.Length != starts.Length || axes.Length != starts.Length || steps.Length != starts.Length)
        {
            throw c.Fail("starts, ends, axes and steps differ in length");
        }

        TensorShape shape = x.Shape;
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = c.Axis(axes[i], shape.Rank);
            if (steps[i] == 0)
            {
                throw c.Fail("a step of 0 never ends");
            }

            if (TakesAll(shape[axis], starts[i], ends[i], steps[i]))
            {
                continue;
            }

            if (shape[axis].IsDynamic)
            {
                throw c.Fail($"axis {axis} of {x.Shape} is the batch and cannot be sliced");
            }

            if (starts[i].ToFixed() is not { } start || ends[i].ToFixed() is not { } end)
            {
                throw c.Fail($"the part of axis {axis} of {x.Shape} from {starts[i]} to {ends[i]} depends on the batch size");
            }

            shape = Replace(shape, axis, Length(shape[axis].Size, start, end, steps[i]));
        }

        return RuleContext.One(x.ElementType, shape);
    }

    private static long Length(long extent, long start, long end, long step)
    {
        long From(long value, long low, long high) => Math.Clamp(value < 0 ? value + extent : value, low, high);
        if (extent == 0)
        {
            return 0;
        }

        // Longer steps take the first element only, as these do.
        step = Math.Clamp(step, -extent, extent);
        return step > 0
            ? Math.Max(0, (From(end, 0, extent) - From(start, 0, extent) + step - 1) / step)
            : Math.Max(0, (From(start, 0, extent - 1) - From(end, -1, extent - 1) - step - 1) / -step);
    }

    // Whether all of an axis is taken, in order or in reverse. ONNX writes "to the end" as the largest number of 32 or 64 bits.
    private static bool TakesAll(Dimension extent, SymbolicNumber start, SymbolicNumber end, long step)
    {
        bool IsFar(SymbolicNumber number, int sign) => !number.IsDynamic && (sign > 0 ? number.Value >= int.MaxValue : number.Value <= -int.MaxValue);
        bool IsExtent(SymbolicNumber number) => number == SymbolicNumber.Of(extent);
        return step switch
        {
            1 => (start.Value == 0 || IsFar(start, -1)) && (IsExtent(end) || (extent.IsDynamic && IsFar(end, 1))),
            -1 => extent.IsDynamic && (start.ToFixed() == -1 || IsFar(start, 1)) && IsFar(end, -1),
            _ => false,
        };
    }

    /// <summary>x, optionally split (constant) -> one part an output along <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> Split(RuleContext c)
    {
        TensorType x = c.Input(0);
        int axis = c.Axis(c.Attributes.Int("axis", 0), x.Shape.Rank);
        int count = c.Node.Outputs.Length;
        if (c.Attributes.Find("num_outputs") is { } stated && stated.Int != count)
        {
            throw c.Fail($"num_outputs {stated} contradicts its {count} outputs");
        }

        if (x.Shape[axis].IsDynamic)
        {
            return SplitBatch(c, x, axis, count);
        }

        // Without sizes ONNX makes equal parts, the last one smaller where they do not come out even.
        long extent = x.Shape[axis].Size;
        long part = (extent + count - 1) / count;
        ImmutableArray<long> sizes = c.Integers(1, "split")
            ?? [.. Enumerable.Range(0, count).Select(i => Math.Clamp(extent - (i * part), 0, part))];
        if (sizes.Length != count || sizes.Any(s => s < 0) || sizes.Sum() != extent)
        {
            throw c.Fail($"split [{string.Join(", ", sizes)}] does not divide axis {axis} of {x.Shape} into {count} parts");
        }

        return [.. sizes.Select(size => new TensorType(x.ElementType, Replace(x.Shape, axis, size)))];
    }

    // A multiple of the batch size may come apart into equal multiples.
    private static ImmutableArray<TensorType> SplitBatch(RuleContext c, TensorType x, int axis, int count)
    {
        Dimension extent = x.Shape[axis];
        ImmutableArray<SymbolicNumber> sizes = c.Numbers(1, "split")
            ?? [.. Enumerable.Repeat(new SymbolicNumber(extent.Size / count, IsDynamic: true), count)];
        bool whole = sizes.Length == count && sizes.All(size => size is { IsDynamic: true, Value: > 0 })
            && sizes.Sum(size => size.Value) == extent.Size;
        return whole
            ? [.. sizes.Select(size => new TensorType(x.ElementType, Replace(x.Shape, axis, size.ToDimension()!.Value)))]
            : throw c.Fail($"axis {axis} of {x.Shape} is the batch and cannot be split");
    }

    private static TensorShape Replace(TensorShape shape, int axis, Dimension extent) =>
        TensorShape.Create(shape.Dimensions.SetItem(axis, extent).AsSpan());
}

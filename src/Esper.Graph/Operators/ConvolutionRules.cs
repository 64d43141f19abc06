using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of Conv and of the poolings, over any number of spatial axes.</summary>
internal static class ConvolutionRules
{
    /// <summary>X [N, C, ...], W [M, C / group, k...], B [M] -> [N, M, ...].</summary>
    public static ImmutableArray<TensorType> Conv(RuleContext c)
    {
        TensorType x = c.Float(0);
        TensorShape w = c.Float(1).Shape;
        long group = c.Attributes.Int("group", 1);
        if (x.Shape.Rank < 3 || w.Rank != x.Shape.Rank)
        {
            throw c.Fail($"input {x.Shape} and weight {w} must have the same number of axes, at least 3");
        }

        if (w.IsDynamic || group < 1 || x.Shape[1].Value != w[1].Size * group)
        {
            throw c.Fail($"input {x.Shape} and weight {w} disagree about channels with group {group}");
        }

        if (w[0].Size % group != 0)
        {
            throw c.Fail($"group {group} does not divide the {w[0]} output channels of weight {w}");
        }

        if (c.Optional(2) is { } bias && !bias.Shape.Equals([w[0]]))
        {
            throw c.Fail($"bias {bias.Shape} does not fit the weight {w}");
        }

        long[] kernel = [.. w.Skip(2).Select(d => d.Size)];
        if (c.Attributes.Ints("kernel_shape") is { } stated && !stated.AsSpan().SequenceEqual(kernel))
        {
            throw c.Fail($"kernel_shape [{string.Join(", ", stated)}] contradicts the weight {w}");
        }

        return RuleContext.One(x.ElementType, [x.Shape[0], w[0], .. Spatial(c, x.Shape, kernel)]);
    }

    /// <summary>X [N, C, ...] -> [N, C, ...] with windows of kernel_shape.</summary>
    public static ImmutableArray<TensorType> Pool(RuleContext c)
    {
        TensorType x = c.Float(0);
        ImmutableArray<long> kernel = c.Attributes.Ints("kernel_shape")!.Value;
        if (x.Shape.Rank < 3 || kernel.Length != x.Shape.Rank - 2)
        {
            throw c.Fail($"kernel_shape [{string.Join(", ", kernel)}] does not fit the spatial axes of {x.Shape}");
        }

        return RuleContext.One(x.ElementType, [x.Shape[0], x.Shape[1], .. Spatial(c, x.Shape, kernel.AsSpan())]);
    }

    /// <summary>X [N, C, ...] -> [N, C, 1...].</summary>
    public static ImmutableArray<TensorType> GlobalPool(RuleContext c)
    {
        TensorType x = c.Float(0);
        if (x.Shape.Rank < 3)
        {
            throw c.Fail($"input {x.Shape} has no spatial axes");
        }

        return RuleContext.One(
            x.ElementType, [x.Shape[0], x.Shape[1], .. Enumerable.Repeat<Dimension>(1, x.Shape.Rank - 2)]);
    }

    /// <summary>2 FLOPs a weight and output position, 1 an output for the bias.</summary>
    public static long ConvCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        TensorShape w = c.Shape(1);
        long elements = outputs[0].Shape.ElementsPerExample;
        return (2 * elements * (w.ElementsPerExample / w[0].Size)) + (c.Optional(2) is null ? 0 : elements);
    }

    /// <summary>One FLOP an element of each window.</summary>
    public static long PoolCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        outputs[0].Shape.ElementsPerExample
        * c.Attributes.Ints("kernel_shape")!.Value.Aggregate(1L, (product, extent) => product * extent);

    private static Dimension[] Spatial(RuleContext c, TensorShape x, ReadOnlySpan<long> kernel)
    {
        int axes = kernel.Length;
        ImmutableArray<long> strides = List(c, "strides", axes, 1, minimum: 1);
        ImmutableArray<long> dilations = List(c, "dilations", axes, 1, minimum: 1);
        ImmutableArray<long> pads = List(c, "pads", 2 * axes, 0, minimum: 0);
        string auto = c.Attributes.String("auto_pad", "NOTSET");
        bool ceiling = c.Attributes.Int("ceil_mode", 0) != 0;
        Dimension[] result = new Dimension[axes];
        for (int i = 0; i < axes; i++)
        {
            Dimension extent = x[i + 2];
            if (extent.IsDynamic)
            {
                throw c.Fail($"the spatial extents of {x} must be fixed");
            }

            long window = (dilations[i] * (kernel[i] - 1)) + 1;
            result[i] = auto switch
            {
                "SAME_UPPER" or "SAME_LOWER" => CeilingDivide(extent.Size, strides[i]),
                "NOTSET" => Windows(c, x, extent.Size + pads[i] + pads[i + axes], window, (strides[i], ceiling, extent.Size + pads[i])),
                "VALID" => Windows(c, x, extent.Size, window, (strides[i], ceiling, extent.Size)),
                _ => throw c.Fail($"auto_pad '{auto}' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID"),
            };
        }

        return result;
    }

    // Last: the padded extent without the padding behind; a window that would start beyond it in ceil_mode is dropped,
    // as PyTorch and ONNX do.
    private static long Windows(
        RuleContext c, TensorShape x, long padded, long window, (long Stride, bool Ceiling, long Last) step)
    {
        if (padded < window)
        {
            throw c.Fail($"a window of {window} does not fit the padded extent {padded} of input {x}");
        }

        long free = padded - window;
        long count = (step.Ceiling ? CeilingDivide(free, step.Stride) : free / step.Stride) + 1;
        return step.Ceiling && (count - 1) * step.Stride >= step.Last ? count - 1 : count;
    }

    private static long CeilingDivide(long value, long divisor) => (value + divisor - 1) / divisor;

    private static ImmutableArray<long> List(RuleContext c, string name, int length, long fallback, long minimum)
    {
        ImmutableArray<long> values = c.Attributes.Ints(name) ?? [.. Enumerable.Repeat(fallback, length)];
        return values.Length == length && values.All(v => v >= minimum)
            ? values
            : throw c.Fail($"{name} [{string.Join(", ", values)}] must be {length} numbers, {minimum} or larger");
    }
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of Conv and ConvTranspose, over one to three spatial axes.</summary>
internal static class ConvolutionRules
{
    /// <summary>X [N, C, ...], W [M, C / group, k...], B [M] -> [N, M, ...].</summary>
    public static ImmutableArray<TensorType> Conv(RuleContext c)
    {
        TensorType x = c.Float(0);
        TensorShape w = c.Float(1).Shape;
        long group = Group(c, x.Shape, w);
        if (x.Shape[1].Value != w[1].Size * group)
        {
            throw c.Fail($"input {x.Shape} and weight {w} disagree about channels with group {group}");
        }

        if (w[0].Size % group != 0)
        {
            throw c.Fail($"group {group} does not divide the {w[0]} output channels of weight {w}");
        }

        CheckBias(c, w, w[0]);
        return RuleContext.One(x.ElementType, [x.Shape[0], w[0], .. WindowRules.Spatial(c, x.Shape, Kernel(c, w))]);
    }

    /// <summary>X [N, C, ...], W [C, M / group, k...], B [M] -> [N, M, ...].</summary>
    public static ImmutableArray<TensorType> ConvTranspose(RuleContext c)
    {
        TensorType x = c.Float(0);
        TensorShape w = c.Float(1).Shape;
        long group = Group(c, x.Shape, w);
        if (x.Shape[1].Value != w[0].Size || w[0].Size % group != 0)
        {
            throw c.Fail($"input {x.Shape} and weight {w} disagree about channels with group {group}");
        }

        Dimension channels = w[1].Size * group;
        CheckBias(c, w, channels);
        return RuleContext.One(x.ElementType, [x.Shape[0], channels, .. Transposed(c, x.Shape, Kernel(c, w))]);
    }

    /// <summary>2 FLOPs a weight and output position, 1 an output for the bias.</summary>
    public static long ConvCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        TensorShape w = c.Shape(1);
        long elements = outputs[0].Shape.ElementsPerExample;
        return (2 * elements * (w.ElementsPerExample / w[0].Size)) + (c.Optional(2) is null ? 0 : elements);
    }

    /// <summary>2 FLOPs a weight and input position, 1 an output for the bias.</summary>
    public static long ConvTransposeCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        TensorShape w = c.Shape(1);
        long products = 2 * c.Shape(0).ElementsPerExample * (w.ElementsPerExample / w[0].Size);
        return products + (c.Optional(2) is null ? 0 : outputs[0].Shape.ElementsPerExample);
    }

    private static long Group(RuleContext c, TensorShape x, TensorShape w)
    {
        long group = c.Attributes.Int("group", 1);
        if (x.Rank < 3 || w.Rank != x.Rank)
        {
            throw c.Fail($"input {x} and weight {w} must have the same number of axes, at least 3");
        }

        if (x.Rank > 5)
        {
            throw c.Fail($"input {x} has {x.Rank - 2} spatial axes, 3 at most are supported");
        }

        return w.IsDynamic || group < 1 || w.Any(d => d.Size < 1)
            ? throw c.Fail($"input {x} and weight {w} disagree about channels with group {group}")
            : group;
    }

    private static void CheckBias(RuleContext c, TensorShape w, Dimension channels)
    {
        if (c.Optional(2) is { } bias && !bias.Shape.Equals([channels]))
        {
            throw c.Fail($"bias {bias.Shape} does not fit the weight {w}");
        }
    }

    private static long[] Kernel(RuleContext c, TensorShape w)
    {
        long[] kernel = [.. w.Skip(2).Select(d => d.Size)];
        return c.Attributes.Ints("kernel_shape") is { } stated && !stated.AsSpan().SequenceEqual(kernel)
            ? throw c.Fail($"kernel_shape [{string.Join(", ", stated)}] contradicts the weight {w}")
            : kernel;
    }

    private static Dimension[] Transposed(RuleContext c, TensorShape x, long[] kernel)
    {
        int axes = kernel.Length;
        ImmutableArray<long> strides = WindowRules.List(c, "strides", axes, 1, minimum: 1);
        ImmutableArray<long> dilations = WindowRules.List(c, "dilations", axes, 1, minimum: 1);
        ImmutableArray<long> pads = WindowRules.List(c, "pads", 2 * axes, 0, minimum: 0);
        ImmutableArray<long> more = WindowRules.List(c, "output_padding", axes, 0, minimum: 0);
        ImmutableArray<long>? stated =
            c.Attributes.Find("output_shape") is null ? null : WindowRules.List(c, "output_shape", axes, 1, minimum: 1);
        string auto = WindowRules.AutoPad(c);
        Dimension[] result = new Dimension[axes];
        for (int i = 0; i < axes; i++)
        {
            long extent = WindowRules.Fixed(c, x, i + 2);
            if (more[i] >= Math.Max(strides[i], dilations[i]))
            {
                throw c.Fail(
                    $"output_padding [{string.Join(", ", more)}] must be smaller than the stride {strides[i]} or dilation {dilations[i]}");
            }

            long full = checked((strides[i] * (extent - 1)) + more[i] + (dilations[i] * (kernel[i] - 1)) + 1);
            long wanted = stated is { } shape ? shape[i]
                : auto is "SAME_UPPER" or "SAME_LOWER" ? extent * strides[i]
                : auto == "VALID" ? full : full - pads[i] - pads[i + axes];
            result[i] = wanted >= 1 && wanted <= full
                ? wanted
                : throw c.Fail($"spatial axis {i} of input {x} comes to {full} elements, which padding cannot make {wanted}");
        }

        return result;
    }
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of the poolings, over one to three spatial axes.</summary>
internal static class PoolingRules
{
    /// <summary>X [N, C, ...] -> [N, C, ...] with windows of kernel_shape.</summary>
    public static ImmutableArray<TensorType> Pool(RuleContext c)
    {
        TensorType x = c.Float(0);
        int axes = x.Shape.Rank - 2;
        ImmutableArray<long> kernel = c.Attributes.Ints("kernel_shape")!.Value;
        if (axes is < 1 or > 3 || kernel.Length != axes)
        {
            throw c.Fail($"kernel_shape [{string.Join(", ", kernel)}] does not fit the spatial axes of {x.Shape}");
        }

        WindowRules.List(c, "kernel_shape", axes, 1, minimum: 1);
        Dimension[] spatial = WindowRules.Spatial(c, x.Shape, kernel.AsSpan());
        ImmutableArray<long> pads = WindowRules.List(c, "pads", 2 * axes, 0, minimum: 0);
        ImmutableArray<long> dilations = WindowRules.List(c, "dilations", axes, 1, minimum: 1);
        for (int i = 0; i < axes; i++)
        {
            long window = (dilations[i] * (kernel[i] - 1)) + 1;
            if (Math.Max(pads[i], pads[i + axes]) >= window)
            {
                throw c.Fail($"pads [{string.Join(", ", pads)}] let a window of {window} lie in the padding alone");
            }
        }

        Power(c);
        return RuleContext.One(x.ElementType, [x.Shape[0], x.Shape[1], .. spatial]);
    }

    /// <summary>X [N, C, ...] -> [N, C, 1...].</summary>
    public static ImmutableArray<TensorType> Global(RuleContext c)
    {
        TensorType x = c.Float(0);
        if (x.Shape.Rank < 3)
        {
            throw c.Fail($"input {x.Shape} has no spatial axes");
        }

        Power(c);
        return RuleContext.One(
            x.ElementType, [x.Shape[0], x.Shape[1], .. Enumerable.Repeat<Dimension>(1, x.Shape.Rank - 2)]);
    }

    /// <summary>A fixed number of FLOPs for each element of each window.</summary>
    public static CostRule PerWindow(long flops) => (c, outputs) =>
        flops * outputs[0].Shape.ElementsPerExample
        * c.Attributes.Ints("kernel_shape")!.Value.Aggregate(1L, (product, extent) => product * extent);

    // The exponent of LpPool and GlobalLpPool; the others have none.
    private static void Power(RuleContext c)
    {
        if (c.Attributes.Int("p", 2) is < 1 and long p)
        {
            throw c.Fail($"p is {p}, 1 or more is needed");
        }
    }
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of Pad.</summary>
internal static class PadRules
{
    /// <summary>x, pads (constant: all begins, all ends; negative ones crop), value, axes -> x with longer or shorter axes.</summary>
    public static ImmutableArray<TensorType> Pad(RuleContext c)
    {
        TensorType x = c.Input(0);
        (long Begin, long End)[] pads = Pads(c);
        string mode = c.Attributes.String("mode", "constant");
        if (c.Optional(2) is { } value
            && (c.Constant(2) is null || value.Shape.ElementsPerExample != 1 || value.ElementType != x.ElementType))
        {
            throw c.Fail($"its value '{c.Node.Inputs[2]}' {value} must be a constant of one element of {x.ElementType}");
        }

        Dimension[] result = [.. x.Shape.Select((extent, axis) => Padded(c, mode, extent, axis, pads[axis]))];
        return RuleContext.One(x.ElementType, TensorShape.Create(result));
    }

    /// <summary>What Pad adds in front of and behind each axis of its input.</summary>
    public static (long Begin, long End)[] Pads(RuleContext c)
    {
        TensorShape x = c.Shape(0);
        ImmutableArray<long> pads = c.Integers(1, "pads") ?? throw c.Fail("its pads are missing");
        int[] axes = c.Integers(3, "axes") is { } named
            ? [.. named.Select(axis => c.Axis(axis, x.Rank))]
            : [.. Enumerable.Range(0, x.Rank)];
        if (pads.Length != 2 * axes.Length || axes.Distinct().Count() != axes.Length)
        {
            throw c.Fail($"pads [{string.Join(", ", pads)}] must be two numbers for each of {axes.Length} different axes");
        }

        var result = new (long Begin, long End)[x.Rank];
        for (int i = 0; i < axes.Length; i++)
        {
            result[axes[i]] = (pads[i], pads[i + axes.Length]);
        }

        return result;
    }

    private static Dimension Padded(RuleContext c, string mode, Dimension extent, int axis, (long Begin, long End) pads)
    {
        if (pads is (0, 0))
        {
            return extent;
        }

        if (extent.IsDynamic)
        {
            throw c.Fail($"axis {axis} of {c.Shape(0)} is the batch and cannot be padded");
        }

        long cropped = extent.Size + Math.Min(pads.Begin, 0) + Math.Min(pads.End, 0);
        long? most = mode switch
        {
            "constant" => null,
            "edge" => cropped < 1 ? 0 : null,
            "reflect" => cropped - 1,
            "wrap" => cropped,
            _ => throw c.Fail($"mode '{mode}' is none of constant, reflect, edge, wrap"),
        };
        if (cropped < 0 || Math.Max(pads.Begin, pads.End) > most)
        {
            throw c.Fail($"axis {axis} of {c.Shape(0)} is too short for pads of {pads.Begin} and {pads.End} in mode {mode}");
        }

        return cropped + Math.Max(pads.Begin, 0) + Math.Max(pads.End, 0);
    }
}

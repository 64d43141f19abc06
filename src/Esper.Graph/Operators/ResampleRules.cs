using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of Resize and GridSample.</summary>
internal static class ResampleRules
{
    /// <summary>
    /// X, roi (unused), scales (Float32 constant) or sizes (known), for all axes or those named by <c>axes</c> -> X resized.
    /// </summary>
    public static ImmutableArray<TensorType> Resize(RuleContext c)
    {
        TensorType x = c.Input(0);
        Check(c, "mode", "nearest", "linear", "cubic");
        Check(c, "coordinate_transformation_mode",
            "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric");
        Check(c, "nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil");
        Check(c, "keep_aspect_ratio_policy", "stretch");
        if (c.Attributes.Int("antialias", 0) != 0)
        {
            throw c.Fail("antialias other than 0 is not supported");
        }

        if (c.Attributes.String("mode", "nearest") != "nearest")
        {
            c.Float(0);
        }

        return RuleContext.One(x.ElementType, TensorShape.Create(Resized(c, x.Shape)));
    }

    /// <summary>Nothing for nearest, 3 FLOPs an output element and resized axis for linear, 7 for cubic.</summary>
    public static long ResizeCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        TensorShape before = c.Shape(0);
        TensorShape after = outputs[0].Shape;
        long each = c.Attributes.String("mode", "nearest") switch { "linear" => 3, "cubic" => 7, _ => 0 };
        return each * after.ElementsPerExample * Enumerable.Range(0, after.Rank).Count(i => before[i] != after[i]);
    }

    /// <summary>X [N, C, spatial...], grid [N, spatial' ..., d] -> [N, C, spatial' ...], d = 2 or 3 spatial axes.</summary>
    public static ImmutableArray<TensorType> GridSample(RuleContext c)
    {
        TensorType x = c.Float(0);
        TensorShape grid = c.Float(1).Shape;
        Check(c, "mode", "linear", "bilinear", "nearest", "cubic", "bicubic");
        Check(c, "padding_mode", "zeros", "border", "reflection");
        bool cubic = c.Attributes.String("mode", "linear") is "cubic" or "bicubic";
        bool fits = x.Shape.Rank is 4 or 5 && grid.Rank == x.Shape.Rank && grid[0] == x.Shape[0] && grid[^1] == x.Shape.Rank - 2;
        return fits && !(cubic && x.Shape.Rank == 5) && c.Float(1).ElementType == x.ElementType
            ? RuleContext.One(x.ElementType, [x.Shape[0], x.Shape[1], .. grid.Skip(1).SkipLast(1)])
            : throw c.Fail(
                $"input {x} and grid {c.Input(1)} must be [N, C, H, W] and [N, H', W', 2], or, but for cubic, [N, C, D, H, W] and [N, D', H', W', 3]");
    }

    /// <summary>A product and a sum for each element that an output element is made of; the weights are not counted.</summary>
    public static long GridSampleCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        long elements = c.Attributes.String("mode", "linear") switch
        {
            "nearest" => 0,
            "cubic" or "bicubic" => 16,
            _ => c.Shape(0).Rank == 4 ? 4 : 8,
        };
        return elements == 0 ? 0 : outputs[0].Shape.ElementsPerExample * ((2 * elements) - 1);
    }

    private static Dimension[] Resized(RuleContext c, TensorShape x)
    {
        int[] axes = c.Attributes.Ints("axes") is { } named
            ? [.. named.Select(axis => c.Axis(axis, x.Rank))]
            : [.. Enumerable.Range(0, x.Rank)];
        ImmutableArray<float>? scales = Scales(c);
        TensorShape? sizes = c.Extents(3, "sizes");
        if (scales is null == sizes is null)
        {
            throw c.Fail("it needs either scales or sizes");
        }

        int count = scales?.Length ?? sizes!.Rank;
        if (count != axes.Length || axes.Distinct().Count() != count)
        {
            throw c.Fail($"it has {count} scales or sizes for {axes.Length} different axes of {x}");
        }

        Dimension[] result = [.. x];
        for (int i = 0; i < count; i++)
        {
            int axis = axes[i];
            bool stays = sizes is null ? scales!.Value[i] == 1 : sizes[i] == x[axis];
            if (stays)
            {
                continue;
            }

            if (x[axis].IsDynamic || sizes?[i].IsDynamic == true)
            {
                throw c.Fail($"axis {axis} of {x} is the batch or would become it, and cannot be resized");
            }

            // In float32, as the executor does.
            long size = sizes?[i].Size ?? (long)MathF.Floor(x[axis].Size * scales!.Value[i]);
            result[axis] = size >= 1 && x[axis].Size >= 1
                ? size
                : throw c.Fail($"axis {axis} of {x} cannot be resized to {size}");
        }

        return result;
    }

    // Null where scales are left out or, as older models write it, empty.
    private static ImmutableArray<float>? Scales(RuleContext c)
    {
        if (c.Optional(2) is null)
        {
            return null;
        }

        ImmutableArray<float> scales = c.Constant(2) is { Floats: { IsDefault: false } floats }
            ? floats
            : throw c.Fail($"its scales '{c.Node.Inputs[2]}' must be a Float32 constant");
        return scales.All(scale => scale > 0 && float.IsFinite(scale))
            ? scales.IsEmpty ? null : scales
            : throw c.Fail($"its scales [{string.Join(", ", scales)}] must be positive");
    }

    private static void Check(RuleContext c, string attribute, params string[] known)
    {
        string given = c.Attributes.String(attribute, known[0]);
        if (!known.Contains(given))
        {
            throw c.Fail($"{attribute} '{given}' is none of {string.Join(", ", known)}");
        }
    }
}

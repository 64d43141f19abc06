using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of normalisations, softmax and Esper's Lattice.</summary>
internal static class NormalizationRules
{
    /// <summary>X [N, C, ...], scale, bias, mean, variance [C] -> like X.</summary>
    public static ImmutableArray<TensorType> Batch(RuleContext c)
    {
        TensorType x = c.Float(0);
        if (x.Shape.Rank < 2)
        {
            throw c.Fail($"input {x.Shape} has no channel axis");
        }

        for (int i = 1; i < 5; i++)
        {
            TensorShape shape = c.Float(i).Shape;
            if (!shape.Equals([x.Shape[1]]))
            {
                throw c.Fail($"input {x.Shape} and '{c.Node.Inputs[i]}' {shape} disagree about channels");
            }
        }

        return [x];
    }

    /// <summary>X, scale and optionally bias over the axes from <c>axis</c> on -> like X.</summary>
    public static ImmutableArray<TensorType> Layer(RuleContext c)
    {
        TensorType x = c.Float(0);
        c.OneElementType();
        int axis = c.Axis(c.Attributes.Int("axis", -1), x.Shape.Rank);
        TensorShape normalized = TensorShape.Create(x.Shape.Dimensions.AsSpan()[axis..]);
        for (int i = 1; i < 3; i++)
        {
            if (c.Optional(i) is { } affine
                && !normalized.Equals(Shapes.Broadcast(normalized.Dimensions.AsSpan(), affine.Shape.Dimensions.AsSpan())))
            {
                throw c.Fail($"input {x.Shape} and '{c.Node.Inputs[i]}' {affine.Shape} disagree about axes {axis} and on");
            }
        }

        return [x];
    }

    /// <summary>X -> like X, normalised along <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> Softmax(RuleContext c)
    {
        TensorType x = c.Float(0);
        c.Axis(c.Attributes.Int("axis", -1), x.Shape.Rank);
        return [x];
    }

    /// <summary>X [N, C, ...], scale, bias [C] -> like X; <c>num_groups</c>, where given, divides C.</summary>
    public static ImmutableArray<TensorType> Group(RuleContext c)
    {
        TensorType x = c.Float(0);
        c.OneElementType();
        if (x.Shape.Rank < 2)
        {
            throw c.Fail($"input {x.Shape} has no channel axis");
        }

        for (int i = 1; i < 3; i++)
        {
            if (!c.Shape(i).Equals([x.Shape[1]]))
            {
                throw c.Fail($"input {x.Shape} and '{c.Node.Inputs[i]}' {c.Shape(i)} disagree about channels");
            }
        }

        long groups = c.Attributes.Int("num_groups", 1);
        return groups >= 1 && x.Shape[1].Size % groups == 0
            ? [x]
            : throw c.Fail($"num_groups {groups} does not divide the channels of the input {x.Shape}");
    }

    /// <summary>X, scale that broadcasts to X -> like X, divided by the root of its mean square over the axes from <c>axis</c> on.</summary>
    public static ImmutableArray<TensorType> Rms(RuleContext c)
    {
        TensorType x = c.Float(0);
        c.OneElementType();
        c.Axis(c.Attributes.Int("axis", -1), x.Shape.Rank);
        TensorShape scale = c.Shape(1);
        return x.Shape.Equals(Shapes.Broadcast(x.Shape.Dimensions.AsSpan(), scale.Dimensions.AsSpan()))
            ? [x]
            : throw c.Fail($"scale {scale} does not broadcast to the input {x.Shape}");
    }

    /// <summary>X -> like X, divided along <c>axis</c> by its norm of order <c>p</c>, 1 or 2.</summary>
    public static ImmutableArray<TensorType> Lp(RuleContext c)
    {
        long p = c.Attributes.Int("p", 2);
        return p is 1 or 2 ? Softmax(c) : throw c.Fail($"p {p} is neither 1 nor 2");
    }

    /// <summary>X [N, C, ...] -> like X, divided by sums over windows of <c>size</c> channels.</summary>
    public static ImmutableArray<TensorType> LocalResponse(RuleContext c)
    {
        TensorType x = c.Float(0);
        long size = c.Attributes.Int("size", 0);
        if (x.Shape.Rank < 2)
        {
            throw c.Fail($"input {x.Shape} has no channel axis");
        }

        return size >= 1 ? [x] : throw c.Fail($"size {size} must be 1 or larger");
    }

    /// <summary>X -> like X, with mean 0 and variance 1 over <c>axes</c>.</summary>
    public static ImmutableArray<TensorType> MeanVariance(RuleContext c)
    {
        TensorType x = c.Float(0);
        foreach (long axis in c.Attributes.Ints("axes") ?? [0, 2, 3])
        {
            c.Axis(axis, x.Shape.Rank);
        }

        return [x];
    }

    /// <summary>FLOPs of LRN: for each element a square, the window's sum, and five for scale, offset, power and product.</summary>
    public static long LocalResponseCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        (c.Attributes.Int("size", 1) + 4) * outputs[0].Shape.ElementsPerExample;

    /// <summary>Esper's Lattice: x -> like x.</summary>
    public static ImmutableArray<TensorType> Lattice(RuleContext c)
    {
        TensorType x = c.Float(0);
        long layout = c.Attributes.Int("layout", 0);
        if (!Enum.IsDefined((SiteLayout)layout))
        {
            throw c.Fail($"layout {layout} is neither 0 (NCHW) nor 1 (tokens)");
        }

        int axis = (SiteLayout)layout == SiteLayout.Nchw ? 1 : x.Shape.Rank - 1;
        long channels = c.Attributes.Int("channels", 0);
        long seeds = c.Attributes.Int("seeds", 0);
        if (x.Shape.Rank < 2 || x.Shape[axis].Value != channels)
        {
            throw c.Fail($"input {x.Shape} does not have {channels} channels on axis {axis}");
        }

        return seeds >= 1 && seeds <= channels
            ? [x]
            : throw c.Fail($"{seeds} seeds do not fit {channels} channels");
    }
}

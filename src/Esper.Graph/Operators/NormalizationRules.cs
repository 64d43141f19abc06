using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of normalisations, softmax and the loss.</summary>
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

    /// <summary>Scores [N, K, ...], labels [N, ...], optionally weights [K] -> scalar, or like labels with reduction none.</summary>
    public static ImmutableArray<TensorType> CrossEntropy(RuleContext c)
    {
        TensorType scores = c.Float(0);
        TensorType labels = c.Input(1);
        TensorShape x = scores.Shape;
        if (labels.ElementType != ElementType.Int64)
        {
            throw c.Fail($"labels '{c.Node.Inputs[1]}' are {labels}, an Int64 tensor is needed");
        }

        if (x.Rank < 2 || !labels.Shape.Equals([x[0], .. x.Skip(2)]))
        {
            throw c.Fail($"scores {x} and labels {labels.Shape} do not fit: labels must be the scores without axis 1");
        }

        if (c.Optional(2) is { } weights && !weights.Shape.Equals([x[1]]))
        {
            throw c.Fail($"scores {x} and class weights {weights.Shape} disagree about classes");
        }

        double smoothing = c.Attributes.Float("label_smoothing", 0);
        if (!(smoothing is >= 0 and < 1))
        {
            throw c.Fail($"label_smoothing {smoothing} is not in [0, 1)");
        }

        return c.Attributes.String("reduction", "mean") switch
        {
            "mean" or "sum" => RuleContext.One(scores.ElementType, TensorShape.Scalar),
            "none" => RuleContext.One(scores.ElementType, labels.Shape),
            string other => throw c.Fail($"reduction '{other}' is none of mean, sum, none"),
        };
    }

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

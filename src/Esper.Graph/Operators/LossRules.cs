using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of losses over scores and labels.</summary>
internal static class LossRules
{
    /// <summary>
    /// Scores [N, K, ...], labels [N, ...], optionally weights [K] -> the loss, a scalar, or like labels with reduction none; and
    /// log-probabilities like scores.
    /// </summary>
    public static ImmutableArray<TensorType> CrossEntropy(RuleContext c)
    {
        TensorType loss = Loss(c);
        double smoothing = c.Attributes.Float("label_smoothing", 0);
        return smoothing is >= 0 and < 1
            ? [loss, c.Input(0)]
            : throw c.Fail($"label_smoothing {smoothing} is not in [0, 1)");
    }

    /// <summary>Log-probabilities [N, K, ...], labels [N, ...], optionally weights [K] -> as <see cref="CrossEntropy"/>.</summary>
    public static ImmutableArray<TensorType> NegativeLogLikelihood(RuleContext c) => [Loss(c)];

    /// <summary>Two FLOPs a label: its score times a weight, added up.</summary>
    public static long NegativeLogLikelihoodCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        2 * c.Shape(1).ElementsPerExample;

    private static TensorType Loss(RuleContext c)
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

        if (c.Optional(2) is { } weights)
        {
            c.Typed(2, scores.ElementType);
            if (!weights.Shape.Equals([x[1]]))
            {
                throw c.Fail($"scores {x} and class weights {weights.Shape} disagree about classes");
            }
        }

        return c.Attributes.String("reduction", "mean") switch
        {
            "mean" or "sum" => new TensorType(scores.ElementType, TensorShape.Scalar),
            "none" => new TensorType(scores.ElementType, labels.Shape),
            string other => throw c.Fail($"reduction '{other}' is none of mean, sum, none"),
        };
    }
}

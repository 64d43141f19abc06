using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// Computes what a node makes where that is known before the batch is: the arithmetic on shapes that exporters write out. It covers what they use and
/// leaves the rest to the executor: null means "not known", never "wrong".
/// </summary>
internal static class ContentRules
{
    /// <summary>Contents of a node's outputs, null for those that are not known.</summary>
    /// <param name="node">The node.</param>
    /// <param name="types">Types of its inputs.</param>
    /// <param name="contents">Contents of its inputs, null where not known or left out.</param>
    /// <param name="outputs">Types of its outputs, as inferred.</param>
    public static ImmutableArray<KnownTensor?> Evaluate(
        Node node, ImmutableArray<TensorType?> types, ImmutableArray<KnownTensor?> contents, ImmutableArray<TensorType> outputs)
    {
        if (node.Domain.Length > 0)
        {
            return [.. outputs.Select(_ => (KnownTensor?)null)];
        }

        if (node.Op == "Split")
        {
            return ContentMovement.Split(contents, node, outputs);
        }

        // The contents of absent optional inputs are no reason to give up.
        bool all = !contents.Where((content, i) => content is null && i < types.Length && types[i] is not null).Any();
        KnownTensor? first = node.Op switch
        {
            "Shape" when types[0] is { } type => Shape(type.Shape, node),
            "Size" when types[0] is { } type && Shapes.Product(type.Shape.Dimensions.AsSpan()) is { } count =>
                KnownTensor.Scalar(SymbolicNumber.Of(count)),
            _ when !all || contents.IsEmpty => null,
            _ => ContentArithmetic.Evaluate(node, contents) ?? ContentMovement.Evaluate(node, contents, outputs[0]),
        };
        return [first, .. outputs.Skip(1).Select(_ => (KnownTensor?)null)];
    }

    private static KnownTensor Shape(TensorShape shape, Node node)
    {
        int rank = shape.Rank;
        int Clamp(long axis) => (int)Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);
        int start = Clamp(node.Attributes.Int("start", 0)), end = Clamp(node.Attributes.Int("end", rank));
        return KnownTensor.Vector(shape.Take(end).Skip(start).Select(SymbolicNumber.Of));
    }
}

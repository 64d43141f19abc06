using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// Contents of a graph's values that follow from constants and shapes alone, such as the target of a Reshape that is put together
/// from extents of another value. They are worked out where they are asked for.
/// </summary>
internal sealed class KnownValues(
    IReadOnlyDictionary<string, TensorType> types, Func<string, Constant?> constants, Func<string, Node?> producers)
{
    private readonly Dictionary<string, KnownTensor?> _known = new(StringComparer.Ordinal);

    /// <summary>Content of a value; null where it is not known before the batch is.</summary>
    public KnownTensor? Of(string value)
    {
        if (value.Length == 0)
        {
            return null;
        }

        if (!_known.TryGetValue(value, out KnownTensor? known))
        {
            // Unknown while it is looked at, so that a cycle ends.
            _known[value] = null;
            known = constants(value) is { } constant ? KnownTensor.Of(constant)
                : producers(value) is { } node && IsSmall(value) ? Made(node, value)
                : null;
            _known[value] = known;
        }

        return known;
    }

    private KnownTensor? Made(Node node, string value)
    {
        // Of a tensor whose shape is asked for the content is of no interest.
        bool byType = node.Op is "Shape" or "Size";
        ImmutableArray<TensorType?> inputs = [.. node.Inputs.Select(types.GetValueOrDefault)];
        ImmutableArray<KnownTensor?> contents = [.. node.Inputs.Select(input => byType ? null : Of(input))];
        ImmutableArray<TensorType> outputs =
            [.. node.Outputs.Select(output => types.GetValueOrDefault(output) ?? new TensorType(ElementType.Int64, TensorShape.Scalar))];
        return ContentRules.Evaluate(node, inputs, contents, outputs)[node.Outputs.IndexOf(value)];
    }

    private bool IsSmall(string value) =>
        types.TryGetValue(value, out TensorType? type) && !type.Shape.IsDynamic && type.Shape.ElementsPerExample <= KnownTensor.LargestCount;
}

using System.Collections.Frozen;

namespace Esper.Graph;

/// <summary>
/// Which axis of a value holds the channels. A convolution makes them on axis 1, a product with a matrix on the last one; what is
/// element-wise keeps them, and a transposition or reshaping moves them. Where nothing upstream tells, [N, C, H, W] and [N, T, C] are
/// taken as such.
/// </summary>
internal sealed class ChannelAxes
{
    private static readonly FrozenSet<string> First = FrozenSet.ToFrozenSet(
    [
        "Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "MaxPool", "AveragePool",
        "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "DepthToSpace", "SpaceToDepth", "GridSample",
    ]);

    private static readonly FrozenSet<string> Last = FrozenSet.ToFrozenSet(["Gemm", "Attention", "LSTM", "GRU", "RNN"]);

    private static readonly FrozenSet<string> Reshapes = FrozenSet.ToFrozenSet(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
    private readonly GraphShapes _shapes;

    public ChannelAxes(HostGraph graph, GraphShapes shapes)
    {
        _shapes = shapes;
        foreach (Node node in graph.Nodes.Where(n => n.Domain.Length == 0))
        {
            foreach (string output in node.Outputs.Where(o => o.Length > 0))
            {
                if (Known(graph, node, shapes[output].Shape) is { } axis)
                {
                    _known[output] = axis;
                }
            }
        }
    }

    /// <summary>Layout and channel axis of a value of 2 to 4 axes.</summary>
    public (SiteLayout Layout, int Axis) Of(string value)
    {
        int rank = _shapes[value].Shape.Rank;
        int axis = _known.GetValueOrDefault(value, -1);
        bool first = axis == 1 || (axis != rank - 1 && rank == 4);
        return first && rank > 2 ? (SiteLayout.Nchw, 1) : (SiteLayout.Tokens, rank - 1);
    }

    private int? Known(HostGraph graph, Node node, TensorShape shape)
    {
        if (First.Contains(node.Op))
        {
            return 1;
        }

        // A look-up in a table makes vectors; one in a value that has channels already leaves them where they are.
        bool table = node.Op == "Gather" && !_known.ContainsKey(node.Inputs[0]);
        if (table || Last.Contains(node.Op) || (node.Op == "LayerNormalization" && node.Attributes.Int("axis", -1) is -1))
        {
            return shape.Rank - 1;
        }

        if (node.Op == "MatMul")
        {
            // A fixed operand of two axes is a weight: it replaces the last axis, or from the left the one before.
            return IsMatrix(graph, node.Inputs[1]) ? shape.Rank - 1 : IsMatrix(graph, node.Inputs[0]) ? shape.Rank - 2 : null;
        }

        string? source = node.Inputs.FirstOrDefault(_known.ContainsKey);
        if (source is null || node.Op == "Einsum")
        {
            return null;
        }

        TensorShape from = _shapes[source].Shape;
        if (node.Op == "Transpose")
        {
            return Enumerable.Range(0, shape.Rank).First(axis => AxisTracing.Transposed(node, shape.Rank, axis) == _known[source]);
        }

        if (Reshapes.Contains(node.Op))
        {
            return AxisTracing.Reshaped(shape, from, _known[source]);
        }

        return from.Rank == shape.Rank ? _known[source] : null;
    }

    private bool IsMatrix(HostGraph graph, string value) => graph.FindInput(value) is null && !_known.ContainsKey(value)
        && _shapes[value].Shape is { Rank: 2, IsDynamic: false };
}

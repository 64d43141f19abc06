using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// Finds the weight whose slices make the channels of a value: upstream through operators that keep channels apart
/// (element-wise, normalising, pooling, rearranging), the first branch first, to the nearest Conv, Gemm or MatMul.
/// </summary>
internal sealed class ProducerSearch(HostGraph graph, GraphShapes shapes)
{
    private static readonly FrozenSet<string> KeepsAxes = FrozenSet.ToFrozenSet(
    [
        "Relu", "Gelu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "Sqrt", "Exp", "Neg", "Identity", "Cast", "Dropout",
        "BatchNormalization", "LayerNormalization", "Softmax", "LogSoftmax", "MaxPool", "AveragePool", "LpPool",
        "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "CastLike",
        "InstanceNormalization", "GroupNormalization", "RMSNormalization", "LpNormalization", "LRN", "MeanVarianceNormalization",
        "Abs", "Log", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Floor", "Ceil",
        "Round", "Sign", "Reciprocal", "Softplus", "Softsign", "Mish", "Swish", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid",
        "Shrink", "PRelu", "Clip", "CumSum", "Hardmax", "IsNaN", "IsInf", "Not",
    ]);

    // These leave an axis alone where its extent stays what it was; see Untouched.
    private static readonly FrozenSet<string> KeepsOtherAxes = FrozenSet.ToFrozenSet(["Pad", "Resize", "GridSample", "Slice", "Tile", "Expand", "Trilu"]);

    private static readonly FrozenSet<string> Broadcasts = FrozenSet.ToFrozenSet(
    [
        "Add", "Sub", "Mul", "Div", "Pow", "Where", "Mod", "Min", "Max", "Mean", "Sum", "Equal", "Less", "LessOrEqual", "Greater",
        "GreaterOrEqual", "And", "Or", "Xor",
    ]);

    private static readonly FrozenSet<string> Reduces = FrozenSet.ToFrozenSet(
    [
        "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
        "ReduceSumSquare",
    ]);

    private static readonly FrozenSet<string> Rearranges =
        FrozenSet.ToFrozenSet(["Flatten", "Reshape", "Squeeze", "Unsqueeze"]);

    private readonly HashSet<(string Value, int Axis)> _visited = [];

    /// <summary>The weight and the axis of its output channels; null if there is none.</summary>
    public (string Weight, int Axis)? Find(string value, int axis)
    {
        // Several paths may lead to one value; what failed once fails again.
        if (graph.ProducerOf(value) is not { Domain: "" } node || !_visited.Add((value, axis)))
        {
            return null;
        }

        if (Weight(node, value, axis) is { } weight)
        {
            return weight;
        }

        foreach ((string input, int inputAxis) in Upstream(node, value, axis))
        {
            if (Find(input, inputAxis) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private (string Weight, int Axis)? Weight(Node node, string value, int axis)
    {
        bool last = axis == shapes[value].Shape.Rank - 1;
        int? weightAxis = node.Op switch
        {
            "Conv" when axis == 1 => 0,
            "ConvTranspose" when axis == 1 && node.Attributes.Int("group", 1) == 1 => 1,
            "Gemm" when axis == 1 => node.Attributes.Int("transB", 0) != 0 ? 0 : 1,
            "MatMul" when last && shapes[node.Inputs[1]].Shape.Rank == 2 => 1,
            _ => null,
        };
        return weightAxis is { } found && graph.FindParameter(node.Inputs[1]) is { Trained: true }
            ? (node.Inputs[1], found)
            : null;
    }

    private IEnumerable<(string Input, int Axis)> Upstream(Node node, string value, int axis)
    {
        TensorShape shape = shapes[value].Shape;
        if (KeepsAxes.Contains(node.Op))
        {
            yield return (node.Inputs[0], axis);
        }
        else if (KeepsOtherAxes.Contains(node.Op) && Untouched(node, shape, axis) is { } same)
        {
            yield return (node.Inputs[0], same);
        }
        else if (Reduces.Contains(node.Op) && KeptAxis(node, axis) is { } kept)
        {
            yield return (node.Inputs[0], kept);
        }
        else if (node.Op == "Transpose")
        {
            ImmutableArray<long>? order = node.Attributes.Ints("perm");
            yield return (node.Inputs[0], order is { } perm ? (int)perm[axis] : shape.Rank - 1 - axis);
        }
        else if (Broadcasts.Contains(node.Op))
        {
            foreach (string input in node.Inputs.Skip(node.Op == "Where" ? 1 : 0))
            {
                TensorShape operand = shapes[input].Shape;
                int aligned = axis - (shape.Rank - operand.Rank);
                if (aligned >= 0 && operand[aligned] == shape[axis])
                {
                    yield return (input, aligned);
                }
            }
        }
        else if (Rearranges.Contains(node.Op) && SameAxis(shapes[node.Inputs[0]].Shape, shape, axis) is { } before)
        {
            yield return (node.Inputs[0], before);
        }
    }

    // The input's axis whose elements an axis of the output has in the same order; null where they may have moved.
    private int? Untouched(Node node, TensorShape to, int axis)
    {
        TensorShape from = shapes[node.Inputs[0]].Shape;
        int before = axis - (to.Rank - from.Rank);
        bool moves = node.Op switch
        {
            // What is cut off in front and added behind, or reversed, leaves the extent as it was.
            "Pad" => graph.FindConstant(node.Inputs[1]) is not { Integers: { IsDefault: false } pads } || pads.Any(p => p < 0),
            "Slice" => node.Inputs.Length > 4 && node.Inputs[4].Length > 0
                && (graph.FindConstant(node.Inputs[4]) is not { Integers: { IsDefault: false } steps } || steps.Any(s => s < 0)),
            // An axis may be stretched to its own extent by a scale close to 1; channels never are.
            "Resize" => axis > 1,
            "GridSample" => axis > 1,
            "Trilu" => axis >= to.Rank - 2,
            _ => false,
        };
        return !moves && before >= 0 && from[before] == to[axis] ? before : null;
    }

    // The input's axis that stays apart as `axis` of a reduction's result; null where it is one that was reduced.
    private int? KeptAxis(Node node, int axis)
    {
        int rank = shapes[node.Inputs[0]].Shape.Rank;
        ImmutableArray<long> named = node.Inputs.Length > 1 && graph.FindConstant(node.Inputs[1]) is { } axes ? axes.Integers : [];
        if (named.IsEmpty)
        {
            return node.Attributes.Int("noop_with_empty_axes", 0) != 0 ? axis : null;
        }

        HashSet<int> reduced = [.. named.Select(a => (int)(a < 0 ? a + rank : a))];
        int[] kept = [.. Enumerable.Range(0, rank).Where(i => !reduced.Contains(i))];
        return node.Attributes.Int("keepdims", 1) == 0 ? kept[axis] : reduced.Contains(axis) ? null : axis;
    }

    // Row-major order is kept, so an axis is the same one where its extent and the product of the extents behind it are.
    private static int? SameAxis(TensorShape from, TensorShape to, int axis)
    {
        Dimension? inner = Shapes.Product(to.Dimensions.AsSpan()[(axis + 1)..]);
        for (int i = from.Rank - 1; i >= 0; i--)
        {
            if (from[i] == to[axis] && Shapes.Product(from.Dimensions.AsSpan()[(i + 1)..]) == inner)
            {
                return i;
            }
        }

        return null;
    }
}

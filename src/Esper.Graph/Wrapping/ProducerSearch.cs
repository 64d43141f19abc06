using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// Finds the weight whose slices make the channels of a value: upstream through operators that keep channels apart
/// (element-wise, normalising, pooling, rearranging, selecting along other axes), to the nearest Conv, Gemm or MatMul. Of the operands of
/// a residual join the branch comes before the shortcut, of others a whole one before one that is broadcast, then the first one. Where
/// channels are split, joined, cut or reordered there is no such weight: channel i of the value would not be slice i of it. What is found
/// is kept, so that one search over a graph takes each value once.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="shapes">Its shapes.</param>
/// <param name="joins">Residual joins with those operands that are the common ancestor itself.</param>
internal sealed class ProducerSearch(HostGraph graph, GraphShapes shapes, IReadOnlyDictionary<string, string[]> joins)
{
    private static readonly FrozenSet<string> KeepsAxes = FrozenSet.ToFrozenSet(
    [
        "Relu", "Gelu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "Sqrt", "Exp", "Neg", "Identity", "Cast", "Dropout",
        "LayerNormalization", "Softmax", "LogSoftmax", "CastLike", "RMSNormalization", "LpNormalization", "MeanVarianceNormalization",
        "Abs", "Log", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Floor", "Ceil",
        "Round", "Sign", "Reciprocal", "Softplus", "Softsign", "Mish", "Swish", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid",
        "Shrink", "PRelu", "Clip", "CumSum", "Hardmax", "IsNaN", "IsInf", "Not",
    ]);

    // They know which axis holds the channels and work along the ones behind it.
    private static readonly FrozenSet<string> KeepsChannels = FrozenSet.ToFrozenSet(
    [
        "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "MaxPool", "AveragePool", "LpPool",
        "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool",
    ]);

    // These leave an axis alone where its extent stays what it was; see Untouched.
    private static readonly FrozenSet<string> KeepsOtherAxes =
        FrozenSet.ToFrozenSet(["Pad", "Resize", "GridSample", "Slice", "Tile", "Expand", "Trilu"]);

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

    private readonly Dictionary<(string Value, int Axis), (string Weight, int Axis)?> _found = [];

    /// <summary>The weight and the axis of its output channels; null if there is none.</summary>
    public (string Weight, int Axis)? Find(string value, int axis)
    {
        // A stack of its own: chains of operators may be longer than the thread's stack allows.
        Stack<Step> path = new();
        Enter((value, axis), path);
        while (path.TryPeek(out Step? step))
        {
            if (step.Next == step.Sources.Length)
            {
                _found[step.Key] = null;
                path.Pop();
            }
            else if (!_found.TryGetValue(step.Sources[step.Next], out (string Weight, int Axis)? upstream))
            {
                Enter(step.Sources[step.Next], path);
            }
            else if (upstream is null)
            {
                step.Next++;
            }
            else
            {
                _found[step.Key] = upstream;
                path.Pop();
            }
        }

        // Whatever the way led through: a weight of another extent is not the one.
        return _found[(value, axis)] is { } found
            && graph.FindParameter(found.Weight)!.Shape[found.Axis] == shapes[value].Shape[axis] ? found : null;
    }

    private void Enter((string Value, int Axis) key, Stack<Step> path)
    {
        if (_found.ContainsKey(key))
        {
            return;
        }

        if (graph.ProducerOf(key.Value) is not { Domain: "" } node)
        {
            _found[key] = null;
        }
        else if (Weight(node, key.Value, key.Axis) is { } weight)
        {
            _found[key] = weight;
        }
        else
        {
            path.Push(new Step(key, [.. Upstream(node, key.Value, key.Axis)]));
        }
    }

    private (string Weight, int Axis)? Weight(Node node, string value, int axis)
    {
        int behind = shapes[value].Shape.Rank - 1 - axis;
        return node.Op switch
        {
            "Conv" when axis == 1 => Trained(node.Inputs[1], 0),
            "ConvTranspose" when axis == 1 && node.Attributes.Int("group", 1) == 1 => Trained(node.Inputs[1], 1),
            "Gemm" when axis == 1 => Trained(node.Inputs[1], node.Attributes.Int("transB", 0) != 0 ? 0 : 1),
            "MatMul" when behind == 0 && shapes[node.Inputs[1]].Shape.Rank == 2 => Trained(node.Inputs[1], 1),
            "MatMul" when behind == 1 && shapes[node.Inputs[0]].Shape.Rank == 2 => Trained(node.Inputs[0], 0),
            _ => null,
        };
    }

    // The trained parameter that an operand is, as it stands or transposed.
    private (string Weight, int Axis)? Trained(string operand, int axis)
    {
        while (graph.ProducerOf(operand) is { Domain: "", Op: "Transpose" or "Identity" } node)
        {
            axis = node.Op == "Transpose" ? AxisTracing.Transposed(node, shapes[operand].Shape.Rank, axis) : axis;
            operand = node.Inputs[0];
        }

        return graph.FindParameter(operand) is { Trained: true } ? (operand, axis) : null;
    }

    private IEnumerable<(string Input, int Axis)> Upstream(Node node, string value, int axis)
    {
        TensorShape shape = shapes[value].Shape;
        if (Broadcasts.Contains(node.Op))
        {
            return Operands(node, value, axis);
        }

        string input = node.Inputs[0];
        TensorShape before = shapes[input].Shape;
        int? source = node.Op switch
        {
            _ when KeepsAxes.Contains(node.Op) => axis,
            _ when KeepsChannels.Contains(node.Op) => axis <= 1 ? axis : null,
            "Transpose" => AxisTracing.Transposed(node, shape.Rank, axis),
            _ when Rearranges.Contains(node.Op) => AxisTracing.Reshaped(before, shape, axis),
            _ when Reduces.Contains(node.Op) => Kept(node, before, axis),
            "MatMul" => shapes[node.Inputs[1]].Shape.Rank == 2 && axis < shape.Rank - 1 && before.Rank == shape.Rank ? axis : null,
            _ when KeepsOtherAxes.Contains(node.Op) => Untouched(node, shape, axis),
            "Split" => Along(node, before.Rank, 0) == axis ? null : axis,
            "Gather" => Gathered(node, before, axis),
            _ => null,
        };
        return source is { } found && before[found] == shape[axis] ? [(input, found)] : Joined(node, value, axis);
    }

    private List<(string Input, int Axis)> Operands(Node node, string value, int axis)
    {
        TensorShape shape = shapes[value].Shape;
        string[] shortcuts = joins.GetValueOrDefault(value, []);
        List<(string Input, int Axis)> whole = [];
        List<(string Input, int Axis)> others = [];
        foreach (string input in node.Op == "Where" ? node.Inputs.AsSpan()[1..] : node.Inputs.AsSpan())
        {
            TensorShape operand = shapes[input].Shape;
            if (AxisTracing.Broadcast(operand, shape, axis) is { } aligned)
            {
                (operand.Equals(shape) && !shortcuts.Contains(input) ? whole : others).Add((input, aligned));
            }
        }

        whole.AddRange(others);
        return whole;
    }

    // Parts that are joined along another axis all have the channels; the first is as good as any.
    private IEnumerable<(string Input, int Axis)> Joined(Node node, string value, int axis) =>
        node.Op == "Concat" && Along(node, shapes[value].Shape.Rank, 0) != axis ? node.Inputs.Select(input => (input, axis)) : [];

    private int? Kept(Node node, TensorShape before, int axis)
    {
        if (Axes(node, 1, before.Rank) is not { } reduced)
        {
            bool stated = node.Inputs.Length > 1 && node.Inputs[1].Length > 0;
            return !stated && node.Attributes.Int("noop_with_empty_axes", 0) != 0 ? axis : null;
        }

        int source = node.Attributes.Int("keepdims", 1) != 0
            ? axis
            : Enumerable.Range(0, before.Rank).Where(a => !reduced.Contains(a)).ElementAt(axis);
        return reduced.Contains(source) ? null : source;
    }

    private int? Gathered(Node node, TensorShape before, int axis)
    {
        int along = Along(node, before.Rank, 0);
        int added = shapes[node.Inputs[1]].Shape.Rank;
        return axis < along ? axis : axis >= along + added ? axis - added + 1 : null;
    }

    private static int Along(Node node, int rank, long fallback) => (int)(node.Attributes.Int("axis", fallback) is < 0 and var axis
        ? axis + rank
        : node.Attributes.Int("axis", fallback));

    // The axes that a constant input or the attribute names, from the front; null where they are not known here.
    private HashSet<int>? Axes(Node node, int input, int rank)
    {
        ImmutableArray<long>? axes = node.Inputs.Length > input && node.Inputs[input].Length > 0
            ? graph.FindConstant(node.Inputs[input]) is { Integers.IsDefault: false } constant ? constant.Integers : null
            : node.Attributes.Ints("axes");
        return axes is { } named ? [.. named.Select(axis => (int)(axis < 0 ? axis + rank : axis))] : null;
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

    /// <summary>A value on the way, and where to go on from it.</summary>
    private sealed record Step((string Value, int Axis) Key, (string Input, int Axis)[] Sources)
    {
        public int Next { get; set; }
    }
}

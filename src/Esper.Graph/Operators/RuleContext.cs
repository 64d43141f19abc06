using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A node as the rules see it: its attributes and the types of its inputs.</summary>
internal sealed class RuleContext(Node node, ImmutableArray<TensorType?> inputs, Func<string, Constant?> constants)
{
    public Node Node => node;

    public NodeAttributes Attributes => node.Attributes;

    public int InputCount => inputs.Length;

    /// <summary>Type of input <paramref name="index"/>; throws where it is left out.</summary>
    public TensorType Input(int index) =>
        Optional(index) ?? throw Fail($"input {index} is missing");

    /// <summary>Type of input <paramref name="index"/>, null where it is left out.</summary>
    public TensorType? Optional(int index) => index < inputs.Length ? inputs[index] : null;

    public TensorShape Shape(int index) => Input(index).Shape;

    /// <summary>Content of an int64 constant input; null where the input is left out.</summary>
    public ImmutableArray<long>? Integers(int index, string what)
    {
        if (Optional(index) is null)
        {
            return null;
        }

        Constant? constant = constants(node.Inputs[index]);
        return constant is { Integers.IsDefault: false }
            ? constant.Integers
            : throw Fail($"its {what} '{node.Inputs[index]}' must be an int64 constant");
    }

    /// <summary>An axis in [0, rank) from ONNX's [-rank, rank).</summary>
    public int Axis(long axis, int rank) =>
        axis >= -rank && axis < rank
            ? (int)(axis < 0 ? axis + rank : axis)
            : throw Fail($"axis {axis} is outside a tensor of {rank} axes");

    public TensorType Float(int index)
    {
        TensorType type = Input(index);
        return type.ElementType is ElementType.Float32 or ElementType.Float64
            ? type
            : throw Fail($"input {index} '{node.Inputs[index]}' is {type}, a floating point tensor is needed");
    }

    public GraphException Fail(string message) => new($"{node.Place}: {message}");

    public static ImmutableArray<TensorType> One(ElementType type, TensorShape shape) => [new TensorType(type, shape)];
}

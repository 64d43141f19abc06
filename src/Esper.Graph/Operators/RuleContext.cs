using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A node as the rules see it: its attributes and the types of its inputs.</summary>
internal sealed class RuleContext(
    Node node, ImmutableArray<TensorType?> inputs, Func<string, Constant?> constants, Func<string, KnownTensor?> known)
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

    /// <summary>Input <paramref name="index"/> where it is a constant, null otherwise.</summary>
    public Constant? Constant(int index) => Optional(index) is null ? null : constants(node.Inputs[index]);

    /// <summary>Content of an int64 constant input; null where the input is left out.</summary>
    public ImmutableArray<long>? Integers(int index, string what)
    {
        if (Optional(index) is null)
        {
            return null;
        }

        return Constant(index) is { Integers.IsDefault: false } constant ? constant.Integers : throw NotConstant(index, what);
    }

    /// <summary>
    /// Content of an Int64 input that is a constant or follows from shapes, with the batch size as a symbol; null where the input
    /// is left out.
    /// </summary>
    public ImmutableArray<SymbolicNumber>? Numbers(int index, string what) => Optional(index) is null ? null
        : known(node.Inputs[index]) is { ElementType: ElementType.Int64 } content ? content.Numbers
        : throw NotConstant(index, what);

    /// <summary>The same as extents of a shape, which are 0 or larger.</summary>
    public TensorShape? Extents(int index, string what)
    {
        if (Numbers(index, what) is not { } numbers)
        {
            return null;
        }

        return TensorShape.Create(
        [
            .. numbers.Select(n =>
                n.ToDimension() ?? throw Fail($"its {what} [{string.Join(", ", numbers)}] has a negative extent")),
        ]);
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

    /// <summary>Type of an input that holds indices; throws unless it is Int64.</summary>
    public TensorType Indices(int index)
    {
        TensorType type = Input(index);
        return type.ElementType == ElementType.Int64
            ? type
            : throw Fail($"indices '{node.Inputs[index]}' are {type}, an Int64 tensor is needed");
    }

    /// <summary>Type of an input that must be one of those allowed.</summary>
    public TensorType Typed(int index, params ReadOnlySpan<ElementType> allowed)
    {
        TensorType type = Input(index);
        if (allowed.Contains(type.ElementType))
        {
            return type;
        }

        string expected = string.Join(", ", allowed[..^1].ToArray());
        expected += (expected.Length == 0 ? "" : " or ") + allowed[^1];
        throw Fail($"input {index} '{node.Inputs[index]}' is {type}, a tensor of {expected} is needed");
    }

    /// <summary>Throws unless the inputs that are there share one element type, which is returned.</summary>
    public ElementType OneElementType()
    {
        TensorType first = Input(0);
        for (int i = 1; i < InputCount; i++)
        {
            if (Optional(i) is { } other && other.ElementType != first.ElementType)
            {
                throw Fail($"{first} and {other} differ in element type; put a Cast before one of them");
            }
        }

        return first.ElementType;
    }

    public GraphException Fail(string message) => new($"{node.Place}: {message}");

    public static ImmutableArray<TensorType> One(ElementType type, TensorShape shape) => [new TensorType(type, shape)];

    private GraphException NotConstant(int index, string what) =>
        Fail($"its {what} '{node.Inputs[index]}' must be an int64 constant");
}

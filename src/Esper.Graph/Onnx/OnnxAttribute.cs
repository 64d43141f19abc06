using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Kind of an ONNX attribute, with the format's numbers.</summary>
public enum OnnxAttributeKind
{
    /// <summary>Not stated: files of the first version of the format.</summary>
    Undefined = 0,

    /// <summary>One real number.</summary>
    Float = 1,

    /// <summary>One whole number.</summary>
    Int = 2,

    /// <summary>A text.</summary>
    String = 3,

    /// <summary>A tensor.</summary>
    Tensor = 4,

    /// <summary>A graph.</summary>
    Graph = 5,

    /// <summary>Real numbers.</summary>
    Floats = 6,

    /// <summary>Whole numbers.</summary>
    Ints = 7,

    /// <summary>Texts.</summary>
    Strings = 8,

    /// <summary>Tensors.</summary>
    Tensors = 9,

    /// <summary>Graphs.</summary>
    Graphs = 10,

    /// <summary>A sparse tensor.</summary>
    SparseTensor = 11,

    /// <summary>Sparse tensors.</summary>
    SparseTensors = 12,

    /// <summary>A type.</summary>
    Type = 13,

    /// <summary>Types.</summary>
    Types = 14,
}

/// <summary>An attribute of a node. Only the member that <see cref="Kind"/> names has a meaning.</summary>
public sealed record OnnxAttribute
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Which member holds the value.</summary>
    public OnnxAttributeKind Kind { get; init; }

    /// <summary>Inside a function: the function's attribute whose value it takes; otherwise <c>""</c>.</summary>
    public string Reference { get; init; } = "";

    /// <summary>The real number.</summary>
    public float Float { get; init; }

    /// <summary>The whole number.</summary>
    public long Int { get; init; }

    /// <summary>The text.</summary>
    public string String { get; init; } = "";

    /// <summary>The tensor.</summary>
    public OnnxTensor? Tensor { get; init; }

    /// <summary>The graph.</summary>
    public OnnxGraph? Graph { get; init; }

    /// <summary>The real numbers.</summary>
    public ImmutableArray<float> Floats { get; init; } = [];

    /// <summary>The whole numbers.</summary>
    public ImmutableArray<long> Ints { get; init; } = [];

    /// <summary>The texts.</summary>
    public ImmutableArray<string> Strings { get; init; } = [];
}

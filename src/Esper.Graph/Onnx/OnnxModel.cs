using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>An ONNX file as data: what stands in it, nothing interpreted.</summary>
public sealed record OnnxModel
{
    /// <summary>Version of the format.</summary>
    public long IrVersion { get; init; }

    /// <summary>The program that wrote it.</summary>
    public string ProducerName { get; init; } = "";

    /// <summary>That program's version.</summary>
    public string ProducerVersion { get; init; } = "";

    /// <summary>Versions of the operator sets that its nodes mean, by domain; ONNX's own is <c>""</c>.</summary>
    public ImmutableSortedDictionary<string, long> Opsets { get; init; } = Empty<long>();

    /// <summary>The network.</summary>
    public required OnnxGraph Graph { get; init; }

    /// <summary>Operators that the model brings along as graphs of other operators.</summary>
    public ImmutableArray<OnnxFunction> Functions { get; init; } = [];

    /// <summary>Texts by key.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = Empty<string>();

    internal static ImmutableSortedDictionary<string, T> Empty<T>() =>
        ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);
}

/// <summary>A graph of nodes.</summary>
public sealed record OnnxGraph
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Operator applications.</summary>
    public ImmutableArray<OnnxNode> Nodes { get; init; } = [];

    /// <summary>Tensors that lie in the file or beside it. One that is an input too is that input's default.</summary>
    public ImmutableArray<OnnxTensor> Initializers { get; init; } = [];

    /// <summary>Number of sparse tensors among the initializers.</summary>
    public int SparseInitializers { get; init; }

    /// <summary>Values supplied with each call; in old files the initializers too.</summary>
    public ImmutableArray<OnnxValue> Inputs { get; init; } = [];

    /// <summary>Values handed out.</summary>
    public ImmutableArray<OnnxValue> Outputs { get; init; } = [];

    /// <summary>What the file says of the types of other values.</summary>
    public ImmutableArray<OnnxValue> Values { get; init; } = [];
}

/// <summary>An operator application.</summary>
public sealed record OnnxNode
{
    /// <summary>Name; often empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Operator.</summary>
    public string Op { get; init; } = "";

    /// <summary>Domain of the operator; ONNX's own is <c>""</c>, and <c>ai.onnx</c> means it too.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Values read; <c>""</c> where an optional one is left out.</summary>
    public ImmutableArray<string> Inputs { get; init; } = [];

    /// <summary>Values made; <c>""</c> where an optional one is left out.</summary>
    public ImmutableArray<string> Outputs { get; init; } = [];

    /// <summary>Attributes.</summary>
    public ImmutableArray<OnnxAttribute> Attributes { get; init; } = [];
}

/// <summary>A function: an operator of the model's own.</summary>
public sealed record OnnxFunction
{
    /// <summary>Name of the operator.</summary>
    public string Name { get; init; } = "";

    /// <summary>Domain of the operator.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Names of its inputs inside.</summary>
    public ImmutableArray<string> Inputs { get; init; } = [];

    /// <summary>Names of its outputs inside.</summary>
    public ImmutableArray<string> Outputs { get; init; } = [];

    /// <summary>Names of attributes that it takes and has no default for.</summary>
    public ImmutableArray<string> Attributes { get; init; } = [];

    /// <summary>Attributes that it takes, with their defaults.</summary>
    public ImmutableArray<OnnxAttribute> Defaults { get; init; } = [];

    /// <summary>Nodes.</summary>
    public ImmutableArray<OnnxNode> Nodes { get; init; } = [];

    /// <summary>Versions of the operator sets that its nodes mean.</summary>
    public ImmutableSortedDictionary<string, long> Opsets { get; init; } = OnnxModel.Empty<long>();
}

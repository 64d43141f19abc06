using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// A network as data: an immutable graph of ONNX operators with named parameters. Nodes stand in an order in which every value
/// is made before it is used. Two graphs are equal when all their parts are.
/// </summary>
public sealed record HostGraph
{
    private GraphIndex? _index;

    /// <summary>Creates an empty graph to be filled by an initialiser.</summary>
    public HostGraph()
    {
    }

    // A copy made by "with" may have other parts, so it must not inherit the index.
    private HostGraph(HostGraph other)
    {
        Inputs = other.Inputs;
        Parameters = other.Parameters;
        Constants = other.Constants;
        Nodes = other.Nodes;
        Outputs = other.Outputs;
        Loss = other.Loss;
        Logits = other.Logits;
        Labels = other.Labels;
    }

    /// <summary>Values supplied with each call, in the order in which they are supplied.</summary>
    public ImmutableArray<GraphInput> Inputs { get; init; } = [];

    /// <summary>Trained parameters and buffers.</summary>
    public ImmutableArray<Parameter> Parameters { get; init; } = [];

    /// <summary>Fixed tensors.</summary>
    public ImmutableArray<Constant> Constants { get; init; } = [];

    /// <summary>Operator applications, every value made before it is used.</summary>
    public ImmutableArray<Node> Nodes { get; init; } = [];

    /// <summary>Names of the values that a forward pass hands out.</summary>
    public ImmutableArray<string> Outputs { get; init; } = [];

    /// <summary>Name of the scalar training loss (mean over examples), null if the graph has none.</summary>
    public string? Loss { get; init; }

    /// <summary>Name of the class scores [N, K] or [N, K, ...], null if the graph has none.</summary>
    public string? Logits { get; init; }

    /// <summary>Name of the int64 input with class numbers, null if the graph has none.</summary>
    public string? Labels { get; init; }

    private GraphIndex Index => _index ??= new GraphIndex(this);

    /// <summary>The node that makes a value; null for inputs, parameters, constants and unknown names.</summary>
    public Node? ProducerOf(string value) => Index.ProducerOf(value);

    /// <summary>The nodes that read a value, in graph order, each once.</summary>
    public ImmutableArray<Node> ConsumersOf(string value) => Index.ConsumersOf(value);

    /// <summary>The input of that name, or null.</summary>
    public GraphInput? FindInput(string name) => Index.FindInput(name);

    /// <summary>The parameter or buffer of that name, or null.</summary>
    public Parameter? FindParameter(string name) => Index.FindParameter(name);

    /// <summary>The constant of that name, or null.</summary>
    public Constant? FindConstant(string name) => Index.FindConstant(name);

    /// <summary>Whether all parts are equal.</summary>
    public bool Equals(HostGraph? other) =>
        other is not null
        && (ReferenceEquals(this, other)
            || (Loss == other.Loss && Logits == other.Logits && Labels == other.Labels
                && Outputs.AsSpan().SequenceEqual(other.Outputs.AsSpan())
                && Inputs.AsSpan().SequenceEqual(other.Inputs.AsSpan())
                && Parameters.AsSpan().SequenceEqual(other.Parameters.AsSpan())
                && Constants.AsSpan().SequenceEqual(other.Constants.AsSpan())
                && Nodes.AsSpan().SequenceEqual(other.Nodes.AsSpan())));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Loss);
        hash.Add(Parameters.Length);
        foreach (Node node in Nodes)
        {
            hash.Add(node);
        }

        return hash.ToHashCode();
    }
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// Builds a host graph step by step. Values are named; a node and its output share one readable name inside the current
/// scope (<c>block1.conv</c>), with a number behind where the name is taken. Shapes are inferred at once, so that a
/// mistake throws where it is made.
/// </summary>
public sealed partial class GraphBuilder
{
    private readonly List<GraphInput> _inputs = [];
    private readonly List<Parameter> _parameters = [];
    private readonly Dictionary<string, Constant> _constants = new(StringComparer.Ordinal);
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, Node> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorType> _types = new(StringComparer.Ordinal);
    private readonly HashSet<string> _nodeNames = new(StringComparer.Ordinal);
    private readonly Stack<string> _scopes = new();
    private readonly KnownValues _known;

    /// <summary>Starts with nothing.</summary>
    public GraphBuilder() => _known = new KnownValues(_types, _constants.GetValueOrDefault, _producers.GetValueOrDefault);

    /// <summary>Opens a scope: names made until the result is disposed get <paramref name="name"/> and a dot in front.</summary>
    public IDisposable Scope(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _scopes.Push(Scoped(name));
        return new ScopeEnd(_scopes);
    }

    /// <summary>Declares an input; its name takes no scope.</summary>
    public string Input(string name, ElementType elementType, TensorShape shape)
    {
        Declare(name, new TensorType(elementType, shape));
        _inputs.Add(new GraphInput(name, elementType, shape));
        return name;
    }

    /// <summary>Declares a parameter or buffer.</summary>
    public string Parameter(
        string name, TensorShape shape, Initializer initializer, ParameterRole role, bool trained = true)
    {
        string scoped = Scoped(name);
        Declare(scoped, new TensorType(ElementType.Float32, shape));
        _parameters.Add(new Parameter(scoped, shape, initializer, role, trained));
        return scoped;
    }

    /// <summary>Declares an int64 constant vector.</summary>
    public string Constant(string name, params ReadOnlySpan<long> data) =>
        Constant(Graph.Constant.OfIntegers(Scoped(name), [data.Length], data));

    /// <summary>Declares a float32 constant.</summary>
    public string Constant(string name, TensorShape shape, ReadOnlySpan<float> data) =>
        Constant(Graph.Constant.OfFloats(Scoped(name), shape, data));

    /// <summary>Declares a constant, whose name is taken as it is.</summary>
    public string Constant(Constant constant)
    {
        ArgumentNullException.ThrowIfNull(constant);
        Declare(constant.Name, new TensorType(constant.ElementType, constant.Shape));
        _constants.Add(constant.Name, constant);
        return constant.Name;
    }

    /// <summary>Applies an operator with one output and returns the output's name.</summary>
    public string Apply(string op, string name, ImmutableArray<string> inputs, NodeAttributes? attributes = null, string domain = "") =>
        Apply(op, name, inputs, outputs: 1, attributes, domain)[0];

    /// <summary>Applies an operator with several outputs; they are called like the node with .0, .1, ... behind.</summary>
    public ImmutableArray<string> Apply(
        string op, string name, ImmutableArray<string> inputs, int outputs, NodeAttributes? attributes = null, string domain = "")
    {
        string unique = Unique(Scoped(name));
        ImmutableArray<string> names = outputs == 1 ? [unique] : [.. Enumerable.Range(0, outputs).Select(i => $"{unique}.{i}")];
        Node node = new(unique, op, domain, inputs, names, attributes ?? NodeAttributes.None);
        ShapeInference.InferNode(node, _types, _constants.GetValueOrDefault, _known.Of);
        _nodes.Add(node);
        foreach (string output in names)
        {
            _producers[output] = node;
        }

        _nodeNames.Add(unique);
        return names;
    }

    /// <summary>Element type and shape of a value made so far.</summary>
    /// <exception cref="GraphException">There is no value of that name.</exception>
    public TensorType TypeOf(string value) =>
        _types.TryGetValue(value, out TensorType? type) ? type : throw new GraphException($"the graph has no value '{value}'");

    /// <summary>Finishes the graph.</summary>
    /// <param name="outputs">Values that a forward pass hands out.</param>
    /// <param name="loss">Scalar training loss, or null.</param>
    /// <param name="logits">Class scores, or null.</param>
    /// <param name="labels">Input with class numbers, or null.</param>
    /// <exception cref="GraphException">The graph is not valid; the message lists all problems.</exception>
    public HostGraph Build(IEnumerable<string> outputs, string? loss = null, string? logits = null, string? labels = null) =>
        GraphValidator.Validate(new HostGraph
        {
            Inputs = [.. _inputs],
            Parameters = [.. _parameters],
            Constants = [.. _constants.Values],
            Nodes = [.. _nodes],
            Outputs = [.. outputs],
            Loss = loss,
            Logits = logits,
            Labels = labels,
        });

    private string Scoped(string name) => _scopes.TryPeek(out string? scope) ? $"{scope}.{name}" : name;

    private string Unique(string name)
    {
        string unique = name;
        for (int i = 2; _types.ContainsKey(unique) || _nodeNames.Contains(unique); i++)
        {
            unique = $"{name}_{i}";
        }

        return unique;
    }

    private void Declare(string name, TensorType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!_types.TryAdd(name, type))
        {
            throw new GraphException($"value '{name}': the name is used for more than one value");
        }
    }

    private sealed class ScopeEnd(Stack<string> scopes) : IDisposable
    {
        private bool _closed;

        public void Dispose()
        {
            if (!_closed)
            {
                _closed = true;
                scopes.Pop();
            }
        }
    }
}

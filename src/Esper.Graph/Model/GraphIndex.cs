using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Look-ups by name over one graph. Where an invalid graph repeats a name, the first one counts.</summary>
internal sealed class GraphIndex
{
    private readonly Dictionary<string, Node> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableArray<Node>> _consumers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GraphInput> _inputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Parameter> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Constant> _constants = new(StringComparer.Ordinal);

    public GraphIndex(HostGraph graph)
    {
        foreach (GraphInput input in graph.Inputs)
        {
            _inputs.TryAdd(input.Name, input);
        }

        foreach (Parameter parameter in graph.Parameters)
        {
            _parameters.TryAdd(parameter.Name, parameter);
        }

        foreach (Constant constant in graph.Constants)
        {
            _constants.TryAdd(constant.Name, constant);
        }

        // Built up before they are frozen: one constant may have a reader in every node.
        Dictionary<string, ImmutableArray<Node>.Builder> consumers = new(StringComparer.Ordinal);
        foreach (Node node in graph.Nodes)
        {
            foreach (string output in node.Outputs)
            {
                _producers.TryAdd(output, node);
            }

            foreach (string input in node.Inputs.Where(i => i.Length > 0).Distinct(StringComparer.Ordinal))
            {
                if (!consumers.TryGetValue(input, out ImmutableArray<Node>.Builder? nodes))
                {
                    consumers.Add(input, nodes = ImmutableArray.CreateBuilder<Node>(1));
                }

                nodes.Add(node);
            }
        }

        foreach ((string value, ImmutableArray<Node>.Builder nodes) in consumers)
        {
            _consumers.Add(value, nodes.DrainToImmutable());
        }
    }

    public Node? ProducerOf(string value) => value.Length == 0 ? null : _producers.GetValueOrDefault(value);

    public ImmutableArray<Node> ConsumersOf(string value) =>
        _consumers.TryGetValue(value, out ImmutableArray<Node> nodes) ? nodes : [];

    public GraphInput? FindInput(string name) => _inputs.GetValueOrDefault(name);

    public Parameter? FindParameter(string name) => _parameters.GetValueOrDefault(name);

    public Constant? FindConstant(string name) => _constants.GetValueOrDefault(name);
}

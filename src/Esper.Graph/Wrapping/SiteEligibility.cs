using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Which values of a graph may carry a lattice.</summary>
internal sealed class SiteEligibility
{
    private readonly HostGraph _graph;
    private readonly GraphShapes _shapes;
    private readonly HashSet<string> _afterLogits;
    private readonly HashSet<string> _outputs;

    public SiteEligibility(HostGraph graph, GraphShapes shapes)
    {
        _graph = graph;
        _shapes = shapes;
        _afterLogits = Downstream(graph);
        _outputs = [.. graph.Outputs];
        Candidates = [.. graph.Nodes.SelectMany(n => n.Outputs).Where(v => v.Length > 0 && Objection(v) is null)];
    }

    /// <summary>Eligible values in graph order.</summary>
    public ImmutableArray<string> Candidates { get; }

    /// <summary>Why a value that a node makes cannot be a site; null if it can.</summary>
    public string? Objection(string value)
    {
        TensorType type = _shapes[value];
        if (_afterLogits.Contains(value))
        {
            return value == _graph.Logits
                ? "it is the logits; a site must lie before them"
                : $"it lies behind the logits '{_graph.Logits}'; a site must lie before them";
        }

        if (type.ElementType != ElementType.Float32)
        {
            return $"it is {type}; a site is a Float32 value";
        }

        if (type.Shape.Rank > 4)
        {
            return $"its shape {type.Shape} has {type.Shape.Rank} axes and seeds know images of two axes at most; "
                + "a site is [N, C], [N, T, C] or [N, C, H, W]";
        }

        if (type.Shape.Rank < 2)
        {
            return $"its shape {type.Shape} has no channel axis; a site is [N, C], [N, T, C] or [N, C, H, W]";
        }

        if (!type.Shape[0].IsDynamic || type.Shape.Skip(1).Any(d => d.IsDynamic))
        {
            return $"its shape {type.Shape} has no batch axis in front and fixed axes behind";
        }

        return _graph.ConsumersOf(value).IsEmpty && !_outputs.Contains(value) ? "nothing reads it" : null;
    }

    private static HashSet<string> Downstream(HostGraph graph)
    {
        HashSet<string> values = new(StringComparer.Ordinal);
        if (graph.Logits is null)
        {
            return values;
        }

        values.Add(graph.Logits);
        foreach (Node node in graph.Nodes.Where(n => n.Inputs.Any(values.Contains)))
        {
            values.UnionWith(node.Outputs.Where(o => o.Length > 0));
        }

        return values;
    }
}

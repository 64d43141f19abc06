using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>What the structure of a graph says about where lattices may sit. Each part is worked out when it is first asked for.</summary>
internal sealed class GraphStructure
{
    private readonly Lazy<GraphFlow> _flow;
    private readonly Lazy<HashSet<string>> _scores;
    private readonly Lazy<Dictionary<string, string[]>> _joins;
    private readonly Lazy<ChannelAxes> _channels;
    private readonly Lazy<SiteEligibility> _eligibility;
    private readonly Lazy<ImmutableArray<int>> _inner;
    private readonly Lazy<ImmutableArray<MainSite>> _main;

    public GraphStructure(HostGraph graph, GraphShapes shapes)
    {
        Graph = graph;
        Shapes = shapes;
        _flow = new(() => new GraphFlow(graph));
        _scores = new(() => AttentionScores.Find(Flow));
        _joins = new(() => ResidualJoins.Find(Flow, shapes, Scores));
        _channels = new(() => new ChannelAxes(graph, shapes));
        _eligibility = new(() => new SiteEligibility(graph, shapes));
        _inner = new(() => [.. Eligibility.Candidates.Where(name => ObjectionToChoice(name) is null).Select(Flow.NumberOf)]);
        _main = new(() => MainSites.Find(this));
    }

    public HostGraph Graph { get; }

    public GraphShapes Shapes { get; }

    public GraphFlow Flow => _flow.Value;

    /// <summary>Values inside an attention softmax.</summary>
    public HashSet<string> Scores => _scores.Value;

    /// <summary>Residual joins, with those operands that are the common ancestor itself.</summary>
    public Dictionary<string, string[]> Joins => _joins.Value;

    public ChannelAxes Channels => _channels.Value;

    public SiteEligibility Eligibility => _eligibility.Value;

    /// <summary>Numbers of the values that an automatic choice may take, in graph order.</summary>
    public ImmutableArray<int> Inner => _inner.Value;

    public ImmutableArray<MainSite> Main => _main.Value;

    /// <summary>Why an automatic choice leaves out a value that can be a site; null if it does not.</summary>
    public string? ObjectionToChoice(string name)
    {
        int value = Flow.NumberOf(name);
        return Scores.Contains(name) ? "inside an attention softmax"
            : Flow.DepthOf(value) == 0 || Flow.IsFixed(name) ? "before the first trained weight"
            : !Flow.Leads(value) || !Flow.HasWeightAhead(value) ? "with no trained weight behind"
            : null;
    }
}

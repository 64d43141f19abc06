using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Puts seed lattices into a host graph.</summary>
public static class LatticeWrapping
{
    /// <summary>
    /// Values that may carry a lattice, in graph order: Float32 [N, C], [N, T, C] or [N, C, H, W] that a node makes before the logits
    /// and that something reads. In front may be any multiple of the batch, as in [N*T, C].
    /// </summary>
    public static ImmutableArray<string> Candidates(HostGraph graph) => SiteSurvey.Of(graph).Candidates;

    /// <summary>
    /// Adds an esper.Lattice node behind each matched value v, called <c>v.lattice</c>; everything that read v, outputs of the
    /// graph included, reads the lattice instead. The given graph stays as it is.
    /// </summary>
    /// <param name="graph">A valid graph without lattices.</param>
    /// <param name="selectors">
    /// Where the sites are, each entry a <see cref="SiteSelector"/>: names with <c>*</c> and <c>?</c>, <c>op:TYPE</c>, <c>joins</c>,
    /// <c>stages</c>, <c>auto:K</c>, and any but the last with <c>!</c> in front to leave out.
    /// </param>
    /// <param name="seedsPerSite">Seeds of each site, at least 1 and at most its channels.</param>
    /// <exception cref="GraphException">
    /// A selector is wrong or selects nothing, a value cannot be a site, or it has fewer channels than seeds.
    /// </exception>
    public static WrappedGraph Wrap(HostGraph graph, IReadOnlyList<string> selectors, int seedsPerSite)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(selectors);
        ArgumentOutOfRangeException.ThrowIfLessThan(seedsPerSite, 1);
        if (graph.Nodes.FirstOrDefault(n => n.Domain == OperatorCatalog.EsperDomain) is { } lattice)
        {
            throw new GraphException($"{lattice.Place}: the graph has lattices already; wrap the graph without them");
        }

        GraphStructure structure = new(graph, ShapeInference.Infer(graph));
        HashSet<string> selected = new SiteSelection(structure).Of(selectors);
        ImmutableArray<LatticeSite> sites = Describe(structure, selected, seedsPerSite);
        return new WrappedGraph(GraphValidator.Validate(Rewire(graph, sites)), sites);
    }

    private static ImmutableArray<LatticeSite> Describe(GraphStructure structure, HashSet<string> selected, int seeds)
    {
        HostGraph graph = structure.Graph;
        ImmutableArray<string> values = [.. structure.Eligibility.Candidates.Where(selected.Contains)];
        ImmutableArray<NodeCost> costs = GraphCost.Of(graph, structure.Shapes).Nodes;
        (long Flops, long Parameters)[] incoming = IncomingCosts.Of(graph, costs, values, sinceLast: true);
        ProducerSearch producers = new(graph, structure.Shapes, structure.Joins);
        ImmutableArray<LatticeSite>.Builder sites = ImmutableArray.CreateBuilder<LatticeSite>(values.Length);
        foreach (string value in values)
        {
            TensorShape shape = structure.Shapes[value].Shape;
            (SiteLayout layout, int axis) = structure.Channels.Of(value);
            long channels = shape[axis].Size;
            if (seeds > channels)
            {
                throw new GraphException(
                    $"site '{value}' {shape} has {channels} channels, too few for {seeds} seeds; ask for {channels} seeds or fewer");
            }

            (string Weight, int Axis)? producer = producers.Find(value, axis);
            sites.Add(new LatticeSite(
                sites.Count,
                value,
                LatticeName(value),
                checked((int)channels),
                shape.ElementsPerExample / channels,
                layout,
                seeds,
                producer?.Weight,
                producer?.Axis ?? -1,
                incoming[sites.Count].Flops,
                incoming[sites.Count].Parameters));
        }

        return sites.MoveToImmutable();
    }

    private static HostGraph Rewire(HostGraph graph, ImmutableArray<LatticeSite> sites)
    {
        Dictionary<string, LatticeSite> byValue = sites.ToDictionary(s => s.ValueName, StringComparer.Ordinal);
        string Reads(string value) => byValue.TryGetValue(value, out LatticeSite? site) ? site.OutputName : value;
        ImmutableArray<Node>.Builder nodes = ImmutableArray.CreateBuilder<Node>(graph.Nodes.Length + sites.Length);
        foreach (Node node in graph.Nodes)
        {
            nodes.Add(node.Inputs.Any(byValue.ContainsKey) ? node with { Inputs = [.. node.Inputs.Select(Reads)] } : node);
            nodes.AddRange(node.Outputs.Where(byValue.ContainsKey).Select(value => LatticeNode(byValue[value])));
        }

        return graph with { Nodes = nodes.MoveToImmutable(), Outputs = [.. graph.Outputs.Select(Reads)] };
    }

    private static Node LatticeNode(LatticeSite site)
    {
        NodeAttributes attributes = NodeAttributes.Of(
            ("site", (long)site.Index),
            ("layout", (long)site.Layout),
            ("channels", (long)site.Channels),
            ("seeds", (long)site.Seeds));
        if (site.Producer is { } producer)
        {
            attributes = attributes.With("producer", producer).With("producer_axis", (long)site.ProducerAxis);
        }

        return new Node(
            site.OutputName, OperatorCatalog.Lattice, OperatorCatalog.EsperDomain, [site.ValueName], [site.OutputName], attributes);
    }

    private static string LatticeName(string value) => value + ".lattice";
}

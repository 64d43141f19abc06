using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>Puts seed lattices into a host graph.</summary>
public static class LatticeWrapping
{
    /// <summary>
    /// Values that may carry a lattice, in graph order: Float32 [N, C], [N, T, C] or [N, C, H, W] that a node makes before the logits
    /// and that something reads.
    /// </summary>
    public static ImmutableArray<string> Candidates(HostGraph graph) =>
        new SiteEligibility(graph, ShapeInference.Infer(graph)).Candidates();

    /// <summary>
    /// Adds an esper.Lattice node behind each matched value v, called <c>v.lattice</c>; everything that read v, outputs of the
    /// graph included, reads the lattice instead. The given graph stays as it is.
    /// </summary>
    /// <param name="graph">A valid graph without lattices.</param>
    /// <param name="sitePatterns">
    /// Names of values; <c>*</c> stands for any text, <c>?</c> for one character. A pattern with either of them selects the eligible
    /// values that match; a plain name must be eligible itself.
    /// </param>
    /// <param name="seedsPerSite">Seeds of each site, at least 1 and at most its channels.</param>
    /// <exception cref="GraphException">
    /// A pattern selects nothing, a value cannot be a site, or it has fewer channels than seeds.
    /// </exception>
    public static WrappedGraph Wrap(HostGraph graph, IReadOnlyList<string> sitePatterns, int seedsPerSite)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(sitePatterns);
        ArgumentOutOfRangeException.ThrowIfLessThan(seedsPerSite, 1);
        if (graph.Nodes.FirstOrDefault(n => n.Domain == OperatorCatalog.EsperDomain) is { } lattice)
        {
            throw new GraphException($"{lattice.Place}: the graph has lattices already; wrap the graph without them");
        }

        if (sitePatterns.Count == 0)
        {
            throw new GraphException("no site patterns: name at least one value, such as 'block*.out'");
        }

        GraphShapes shapes = ShapeInference.Infer(graph);
        HashSet<string> selected = Select(graph, new SiteEligibility(graph, shapes), sitePatterns);
        ImmutableArray<LatticeSite> sites = Describe(graph, shapes, selected, seedsPerSite);
        return new WrappedGraph(GraphValidator.Validate(Rewire(graph, sites)), sites);
    }

    private static HashSet<string> Select(HostGraph graph, SiteEligibility eligibility, IReadOnlyList<string> patterns)
    {
        HashSet<string> selected = new(StringComparer.Ordinal);
        ImmutableArray<string> candidates = eligibility.Candidates();
        foreach (string pattern in patterns)
        {
            string[] matches = [.. candidates.Where(v => Glob.Matches(pattern, v))];
            if (matches.Length == 0)
            {
                throw new GraphException(NothingMatches(graph, eligibility, pattern, candidates));
            }

            selected.UnionWith(matches);
        }

        return selected;
    }

    private static string NothingMatches(
        HostGraph graph, SiteEligibility eligibility, string pattern, ImmutableArray<string> candidates)
    {
        string? unfit = graph.Nodes.SelectMany(n => n.Outputs).FirstOrDefault(v => v.Length > 0 && Glob.Matches(pattern, v));
        if (unfit is not null)
        {
            return $"site pattern '{pattern}': value '{unfit}' cannot be a site: {eligibility.Objection(unfit)}";
        }

        GraphInput? input = graph.Inputs.FirstOrDefault(i => Glob.Matches(pattern, i.Name));
        return input is null
            ? $"site pattern '{pattern}' matches no value. {Suggestion.Phrase(pattern, candidates)}"
            : $"site pattern '{pattern}': value '{input.Name}' is an input of the graph; a site is a value that a node makes";
    }

    private static ImmutableArray<LatticeSite> Describe(
        HostGraph graph, GraphShapes shapes, HashSet<string> selected, int seeds)
    {
        Dictionary<string, NodeCost> costs = GraphCost.Of(graph).Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        ImmutableArray<LatticeSite>.Builder sites = ImmutableArray.CreateBuilder<LatticeSite>(selected.Count);
        foreach (string value in graph.Nodes.SelectMany(n => n.Outputs).Where(selected.Contains))
        {
            TensorShape shape = shapes[value].Shape;
            (SiteLayout layout, int axis) = SiteEligibility.ChannelsOf(shape);
            long channels = shape[axis].Size;
            if (seeds > channels)
            {
                throw new GraphException(
                    $"site '{value}' {shape} has {channels} channels, too few for {seeds} seeds; ask for {channels} seeds or fewer");
            }

            (string Weight, int Axis)? producer = new ProducerSearch(graph, shapes).Find(value, axis);
            NodeCost[] incoming = [.. Incoming(graph, value, selected).Select(n => costs[n.Name])];
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
                incoming.Sum(c => c.Flops),
                incoming.Sum(c => c.Parameters)));
        }

        return sites.MoveToImmutable();
    }

    // Nodes that a value depends on, up to but not through other sites.
    private static HashSet<Node> Incoming(HostGraph graph, string value, HashSet<string> sites)
    {
        HashSet<Node> nodes = new(ReferenceEqualityComparer.Instance);
        Stack<Node> open = new([graph.ProducerOf(value)!]);
        while (open.TryPop(out Node? node))
        {
            if (!nodes.Add(node))
            {
                continue;
            }

            foreach (string input in node.Inputs.Where(i => !sites.Contains(i)))
            {
                if (graph.ProducerOf(input) is { } producer)
                {
                    open.Push(producer);
                }
            }
        }

        return nodes;
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

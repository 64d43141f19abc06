using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class LatticeWrappingTests
{
    private static string Failure(HostGraph graph, string pattern, int seeds = 2) =>
        Assert.Throws<GraphException>(() => LatticeWrapping.Wrap(graph, [pattern], seeds)).Message;

    [Fact]
    public void Sites_of_cnn3_are_described_in_graph_order()
    {
        HostPreset preset = Preset("cnn3");
        WrappedGraph wrapped = LatticeWrapping.Wrap(preset.Graph, preset.DefaultSites, 4);

        // Convolution 2 * 27 * 32 * 32 * 32, BatchNorm 2, ReLU 1 and pooling 1 an element of [32, 32, 32].
        long flops = (2L * 27 * 32 * 1024) + (4 * 32 * 1024);
        Assert.Equal(
            new LatticeSite(
                0, "block1.out", "block1.out.lattice", 32, 256, SiteLayout.Nchw, 4, "block1.conv.weight", 0, flops, 864 + 64),
            wrapped.Sites[0]);
        Assert.Equal([(0, 32, 256L), (1, 64, 64L), (2, 128, 16L)], wrapped.Sites.Select(s => (s.Index, s.Channels, s.Positions)));
        Assert.Equal(
            ["block1.conv.weight", "block2.conv.weight", "block3.conv.weight"], wrapped.Sites.Select(s => s.Producer));
        Assert.Equal([928L, 18_432 + 128, 73_728 + 256], wrapped.Sites.Select(s => s.IncomingParameters));
        Assert.Equal(12, wrapped.SeedCount);
    }

    [Fact]
    public void The_lattice_node_carries_what_the_executor_needs()
    {
        HostPreset preset = Preset("cnn3");
        HostGraph graph = LatticeWrapping.Wrap(preset.Graph, ["block2.out"], 5).Graph;
        Node lattice = Assert.Single(graph.Nodes, n => n.QualifiedOp == "esper.Lattice");
        Assert.Equal(
            new Node(
                "block2.out.lattice", "Lattice", "esper", ["block2.out"], ["block2.out.lattice"],
                NodeAttributes.Of(
                    ("site", 0L), ("layout", 0L), ("channels", 64L), ("seeds", 5L), ("producer", "block2.conv.weight"),
                    ("producer_axis", 0L))),
            lattice);
        Assert.Equal("block2.out", graph.Nodes[graph.Nodes.IndexOf(lattice) - 1].Name);
    }

    [Theory]
    [InlineData("cnn3")]
    [InlineData("wrn-16-1")]
    [InlineData("mlp")]
    [InlineData("char-gpt")]
    public void Wrapping_adds_lattices_and_rewires_all_consumers_and_nothing_else(string spec)
    {
        HostPreset preset = Preset(spec);
        HostGraph before = Preset(spec).Graph;
        WrappedGraph wrapped = LatticeWrapping.Wrap(preset.Graph, preset.DefaultSites, 2);

        Assert.Equal(before, preset.Graph);
        Assert.Empty(GraphValidator.Check(wrapped.Graph));
        foreach (LatticeSite site in wrapped.Sites)
        {
            Assert.Equal([site.OutputName], wrapped.Graph.ConsumersOf(site.ValueName).Select(n => n.Name));
            Assert.Equal(
                before.ConsumersOf(site.ValueName).Select(n => n.Name),
                wrapped.Graph.ConsumersOf(site.OutputName).Select(n => n.Name));
        }

        // Undone by hand: without the lattices and with the old names it is the old graph.
        Dictionary<string, string> old = wrapped.Sites.ToDictionary(s => s.OutputName, s => s.ValueName);
        HostGraph undone = wrapped.Graph with
        {
            Nodes =
            [
                .. wrapped.Graph.Nodes.Where(n => n.Op != "Lattice")
                    .Select(n => n with { Inputs = [.. n.Inputs.Select(i => old.GetValueOrDefault(i, i))] }),
            ],
        };
        Assert.Equal(before, undone);
        Assert.Equal(GraphCost.Of(before).ForwardFlops, GraphCost.Of(wrapped.Graph).ForwardFlops);
        Assert.Equal(wrapped, LatticeWrapping.Wrap(before, preset.DefaultSites, 2));
    }

    [Fact]
    public void A_join_that_both_branch_and_shortcut_of_the_next_block_read_is_rewired_in_both()
    {
        HostPreset preset = Preset("wrn-16-1");
        WrappedGraph wrapped = LatticeWrapping.Wrap(preset.Graph, preset.DefaultSites, 2);
        Assert.Equal(
            ["block2.bn1", "block2.out"], wrapped.Graph.ConsumersOf("block1.out.lattice").Select(n => n.Name));
        Assert.Equal(
            Enumerable.Range(1, 6).Select(i => $"block{i}.conv2.weight"), wrapped.Sites.Select(s => s.Producer));
        Assert.Equal([16, 16, 32, 32, 64, 64], wrapped.Sites.Select(s => s.Channels));
        Assert.All(wrapped.Sites, s => Assert.Equal(0, s.ProducerAxis));
    }

    [Fact]
    public void Token_and_vector_sites_have_channels_last()
    {
        WrappedGraph gpt = LatticeWrapping.Wrap(Preset("char-gpt").Graph, ["block*.out"], 3);
        Assert.All(gpt.Sites, s => Assert.Equal((128, 128L, SiteLayout.Tokens, 1), (s.Channels, s.Positions, s.Layout, s.ProducerAxis)));
        Assert.Equal(Enumerable.Range(1, 4).Select(i => $"block{i}.shrink.weight"), gpt.Sites.Select(s => s.Producer));

        WrappedGraph mlp = LatticeWrapping.Wrap(Preset("mlp").Graph, ["block*.out"], 3);
        Assert.All(mlp.Sites, s => Assert.Equal((128, 1L, SiteLayout.Tokens, 0), (s.Channels, s.Positions, s.Layout, s.ProducerAxis)));
        Assert.Equal(["block1.fc.weight", "block2.fc.weight"], mlp.Sites.Select(s => s.Producer));
    }

    [Fact]
    public void Incoming_costs_end_at_the_sites_upstream()
    {
        HostGraph graph = Preset("wrn-16-1").Graph;
        WrappedGraph all = LatticeWrapping.Wrap(graph, ["block*.out"], 1);
        WrappedGraph last = LatticeWrapping.Wrap(graph, ["block6.out"], 1);
        Assert.Equal(all.Sites.Sum(s => s.IncomingFlops), Assert.Single(last.Sites).IncomingFlops);
        Assert.Equal(all.Sites.Sum(s => s.IncomingParameters), last.Sites[0].IncomingParameters);
    }

    [Fact]
    public void Outputs_of_the_graph_read_the_lattice_too()
    {
        HostGraph graph = Single("Relu", null, [Shape(N, 6)]);
        HostGraph wrapped = LatticeWrapping.Wrap(graph, ["y0"], 2).Graph;
        Assert.Equal(["y0.lattice"], wrapped.Outputs.ToArray());
        Assert.Equal(["y0"], graph.Outputs.ToArray());
    }

    [Fact]
    public void Overlapping_patterns_select_a_value_once_and_sites_follow_the_graph()
    {
        WrappedGraph wrapped = LatticeWrapping.Wrap(Preset("cnn3").Graph, ["block3.?ut", "*.out", "block1.*n"], 1);
        Assert.Equal(
            ["block1.bn", "block1.out", "block2.out", "block3.out"], wrapped.Sites.Select(s => s.ValueName));
        Assert.Equal([0, 1, 2, 3], wrapped.Sites.Select(s => s.Index));
    }

    [Theory]
    [InlineData(10, 3, new[] { 0, 4, 4, 3, 7, 3 })]
    [InlineData(7, 7, new[] { 0, 1, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1 })]
    [InlineData(5, 1, new[] { 0, 5 })]
    [InlineData(11, 4, new[] { 0, 3, 3, 3, 6, 3, 9, 2 })]
    public void Chunks_share_the_channels_the_first_ones_taking_what_is_over(int channels, int seeds, int[] expected)
    {
        WrappedGraph wrapped = LatticeWrapping.Wrap(Single("Relu", null, [Shape(N, channels)]), ["y0"], seeds);
        LatticeSite site = Assert.Single(wrapped.Sites);
        Assert.Equal(expected, Enumerable.Range(0, seeds).SelectMany(i => new[] { site.Chunk(i).Begin, site.Chunk(i).Count }));
        Assert.Throws<ArgumentOutOfRangeException>(() => site.Chunk(seeds));
    }

    [Fact]
    public void A_pattern_that_matches_nothing_gets_the_candidates_and_the_nearest_name()
    {
        HostGraph graph = Preset("mlp:8").Graph;
        Assert.Equal(["flatten", "block1.fc", "block1.out"], LatticeWrapping.Candidates(graph).ToArray());
        Assert.Equal(
            "site pattern 'blok1.out' matches no value. Did you mean 'block1.out'? Known: flatten, block1.fc, block1.out. "
            + "Selectors: op:TYPE, joins, stages, auto:K, auto-variance:K, name:GLOB, each with ! in front to leave out.",
            Failure(graph, "blok1.out"));
    }

    [Fact]
    public void Values_that_cannot_be_sites_say_why()
    {
        HostGraph graph = Preset("mlp:8").Graph;
        Assert.Equal("site pattern 'logits': value 'logits' cannot be a site: it is the logits; a site must lie before them", Failure(graph, "logits"));
        Assert.Equal(
            "site pattern 'loss': value 'loss' cannot be a site: it lies behind the logits 'logits'; a site must lie before them",
            Failure(graph, "loss"));
        Assert.Equal(
            "site pattern 'images': value 'images' is an input of the graph; a site is a value that a node makes",
            Failure(graph, "images"));
        Assert.Equal(
            "site pattern 'y0': value 'y0' cannot be a site: its shape [N] has no channel axis; a site is [N, C], [N, T, C] or [N, C, H, W]",
            Failure(Single("Relu", null, [Shape(N)]), "y0"));
        Assert.Equal(
            "site pattern 'y0': value 'y0' cannot be a site: its shape [N, 2, 3, 4, 5] has 5 axes and seeds know images of two axes at most; "
            + "a site is [N, C], [N, T, C] or [N, C, H, W]",
            Failure(Single("Relu", null, [Shape(N, 2, 3, 4, 5)]), "y0"));
        Assert.Equal(
            "site pattern 'y0': value 'y0' cannot be a site: its shape [4, 8] has no batch axis in front and fixed axes behind",
            Failure(Single("Relu", null, [Shape(4, 8)]), "y0"));
        Assert.Equal(
            "site pattern 'y*': value 'y0' cannot be a site: it is Int64[N, 8]; a site is a Float32 value",
            Failure(Single("Identity", null, [Int("", N, 8)]), "y*"));
        Assert.Equal(
            "site pattern 'y0': value 'y0' cannot be a site: nothing reads it",
            Failure(Single("Relu", null, [Shape(N, 8)]) with { Outputs = ["x0"] }, "y0"));
    }

    [Fact]
    public void Seeds_fit_the_channels_and_lattices_do_not_nest()
    {
        HostPreset preset = Preset("cnn3:4");
        Assert.Equal(
            "site 'block1.out' [N, 4, 16, 16] has 4 channels, too few for 5 seeds; ask for 4 seeds or fewer",
            Failure(preset.Graph, "block1.out", seeds: 5));
        HostGraph wrapped = LatticeWrapping.Wrap(preset.Graph, ["block1.out"], 4).Graph;
        Assert.Equal(
            "node 'block1.out.lattice' (esper.Lattice): the graph has lattices already; wrap the graph without them",
            Failure(wrapped, "block1.conv"));
        Assert.Equal(
            "no site patterns: name at least one value, such as 'block*.out', or use auto:4",
            Assert.Throws<GraphException>(() => LatticeWrapping.Wrap(preset.Graph, [], 4)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => LatticeWrapping.Wrap(preset.Graph, ["block1.out"], 0));
    }

    [Theory]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXbYbZ", false)]
    [InlineData("*", "", true)]
    [InlineData("?", "", false)]
    [InlineData("a.c", "abc", false)]
    [InlineData("*aab", "aaaab", true)]
    [InlineData("ab**", "ab", true)]
    [InlineData("AB", "ab", false)]
    public void Globs_match_whole_names(string pattern, string name, bool expected)
    {
        // Selected by name alone, through a graph whose single value has that name.
        string value = "v" + name;
        HostGraph graph = new()
        {
            Inputs = [Float("x", N, 4)],
            Nodes = [Node("n", "Relu", ["x"], [value])],
            Outputs = [value],
        };
        if (expected)
        {
            Assert.Single(LatticeWrapping.Wrap(graph, ["v" + pattern], 1).Sites);
        }
        else
        {
            Assert.StartsWith($"site pattern 'v{pattern}' matches no value.", Failure(graph, "v" + pattern), StringComparison.Ordinal);
        }
    }
}

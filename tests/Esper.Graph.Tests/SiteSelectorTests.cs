using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class SiteSelectorTests
{
    private static string[] Select(HostGraph graph, params string[] selectors) => [.. SiteSurvey.Of(graph).Select(selectors)];

    private static string Failure(HostGraph graph, params string[] selectors) =>
        Assert.Throws<GraphException>(() => Select(graph, selectors)).Message;

    [Fact]
    public void Joins_are_found_with_identity_and_with_projection()
    {
        Assert.Equal(["block1.join", "block2.join", "block3.join", "block4.join"], Select(HostShapes.Residual(), "joins"));
        Assert.Equal(
            Enumerable.Range(1, 6).Select(i => $"block{i}.out"), Select(Preset("wrn-16-2").Graph, "join"));
        Assert.Equal(
            Enumerable.Range(1, 4).SelectMany(i => new[] { $"block{i}.mid", $"block{i}.out" }), Select(Preset("char-gpt").Graph, "joins"));
    }

    [Fact]
    public void Biases_embeddings_masks_and_polynomials_are_no_joins()
    {
        HostGraph graph = HostShapes.Transformer();
        Assert.True(graph.Nodes.Count(n => n.Op == "Add") > 16);
        Assert.Equal(["layer1.mid", "layer1.out", "layer2.mid", "layer2.out"], Select(graph, "joins"));
        Assert.Equal(["layer2.mid"], Select(graph, "joins@layer2.m*"));
    }

    [Fact]
    public void A_sum_of_look_ups_by_the_same_numbers_is_no_join()
    {
        GraphBuilder b = new();
        string ids = b.Input("tokens", ElementType.Int64, Shape(N, 4));
        string sum = b.Add(b.Embedding(ids, 5, 3, Initializer.Ones), b.Embedding(ids, 5, 3, Initializer.Ones), "sum");
        HostGraph graph = b.Build([sum]);
        Assert.Equal(
            "site selector 'joins' finds no residual join: of 1 sums, 0 join a branch with weights to what it branched off from.",
            Failure(graph, "joins"));
    }

    [Fact]
    public void A_sum_of_two_networks_over_different_inputs_is_no_join()
    {
        GraphBuilder b = new();
        string left = b.Linear(b.Input("x", ElementType.Float32, Shape(N, 3)), 4);
        string right = b.Linear(b.Input("y", ElementType.Float32, Shape(N, 3)), 4);
        Assert.StartsWith("site selector 'joins' finds no", Failure(b.Build([b.Add(left, right)]), "joins"), StringComparison.Ordinal);
    }

    [Fact]
    public void Relative_positions_added_to_the_scores_are_no_join()
    {
        // Scores q k + q r come from one value, with weights between; but they lie inside the softmax.
        GraphBuilder b = new();
        string x = b.Input("x", ElementType.Float32, Shape(N, 6, 6));
        string q = b.Project(x, 6, Initializer.Ones, bias: false);
        string sum = b.Add(b.MatMul(q, b.Transpose(x, [0, 2, 1]), "content"), b.Project(q, 6, Initializer.Ones, bias: false, name: "relative"), "sum");
        string y = b.Add(b.MatMul(b.Apply("Softmax", "softmax", [sum]), x, "mixed"), x, "join");
        HostGraph graph = b.Build([y]);
        Assert.Equal(["join"], Select(graph, "joins"));

        // The same sum with no softmax behind is one.
        HostGraph open = graph with { Nodes = [.. graph.Nodes.Select(n => n.Op == "Softmax" ? n with { Op = "Relu" } : n)] };
        Assert.Equal(["sum", "join"], Select(open, "joins"));
    }

    [Fact]
    public void Operators_select_by_type_and_name()
    {
        HostGraph graph = HostShapes.Residual();
        Assert.Equal(9, Select(graph, "op:Relu").Length);
        Assert.Equal(["block2.relu1", "block2.out"], Select(graph, "op:Relu@block2*"));
        Assert.Equal(["stem", "global"], Select(HostWithGlobal(), "op:*Pool"));
        Assert.Equal(
            "site selector 'op:Rely' matches no value. Did you mean 'Relu'? Known: Add, BatchNormalization, Conv, Flatten, "
            + "GlobalAveragePool, MaxPool, Relu.",
            Failure(graph, "op:Rely"));
        Assert.Equal(
            "site selector 'op:Gemm': value 'logits' cannot be a site: it is the logits; a site must lie before them", Failure(graph, "op:Gemm"));

        static HostGraph HostWithGlobal()
        {
            GraphBuilder b = new();
            string x = b.Input("x", ElementType.Float32, Shape(N, 2, 4, 4));
            return b.Build([b.Conv(b.GlobalAveragePool(b.MaxPool(x, 2, name: "stem"), "global"), 3, 1)]);
        }
    }

    [Fact]
    public void Stages_end_where_resolution_or_channels_change()
    {
        Assert.Equal(["block2.join", "block4.join"], Select(HostShapes.Residual(), "stages"));
        Assert.Equal(["block2.out", "block4.out", "block6.out"], Select(Preset("wrn-16-1").Graph, "stage:last"));
        Assert.Equal(["block1.out", "block2.out", "block3.out"], Select(Preset("cnn3").Graph, "stages"));
        Assert.Equal(["layer2.out"], Select(HostShapes.Transformer(), "stages"));
        Assert.Equal(["block1.out", "block2.out"], Select(Preset("mlp:16-8").Graph, "stages"));
        Assert.StartsWith("site selector 'stages' finds no stage. Looked at 1 values", Failure(Single("Relu", null, [Shape(N, 4)]), "stages"), StringComparison.Ordinal);
    }

    [Fact]
    public void Selectors_unite_and_leave_out()
    {
        HostGraph graph = HostShapes.Residual();
        Assert.Equal(["stem", "block1.join", "block2.join"], Select(graph, "joins", "stem", "!block3*", "!name:block4*"));
        Assert.Equal(Select(graph, "joins"), Select(graph, "joins", "joins@block1*"));
        Assert.Equal(["block3.join"], Select(graph, "joins", "!stages", "!joins@block1*", "! block1.*"));
        Assert.Equal("sites '!joins' only leave out: name what to take too, such as '*'", Failure(graph, "!joins"));
        Assert.Equal("sites 'joins, !*': what the selectors take is all left out again", Failure(graph, "joins", "!*"));
        Assert.StartsWith("site pattern '!blok*' matches no value.", Failure(graph, "joins", "!blok*"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("auto:0", "site selector 'auto:0': '0' is not a whole number of 1 or more")]
    [InlineData("auto:many", "site selector 'auto:many': 'many' is not a whole number of 1 or more")]
    [InlineData("auto-variance", "site selector 'auto-variance': '' is not a whole number of 1 or more")]
    [InlineData("!auto:2", "site selector '!auto:2': an automatic choice cannot be left out; leave out names, op:TYPE, joins or stages")]
    [InlineData("auto-variance:2", "site selector 'auto-variance:2' is measured on data, which is done where a run begins; here, name the sites or use auto:K")]
    public void A_selector_that_cannot_be_applied_says_why(string selector, string message) =>
        Assert.Equal(message, Failure(HostShapes.Residual(), selector));

    [Theory]
    [InlineData("jions", "joins")]
    [InlineData("ops:Relu", "op:Relu")]
    [InlineData("atuo:3", "auto:3")]
    [InlineData("auto-varience:3", "auto-variance:3")]
    [InlineData("!stagse", "!stages")]
    [InlineData("blok4.join", "block4.join")]
    public void An_unknown_selector_gets_the_nearest_known_form(string selector, string meant)
    {
        string message = Failure(HostShapes.Residual(), "*", selector);
        Assert.StartsWith($"site pattern '{selector}' matches no value. Did you mean '{meant}'? Known: stem.conv, ", message, StringComparison.Ordinal);
        Assert.Contains(" and 12 more. Selectors: op:TYPE, joins, stages, auto:K, auto-variance:K, name:GLOB, ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Names_of_exporters_are_reached_whatever_they_look_like()
    {
        string[] names = ["/layer1/layer1.0/Add_output_0", "input.4", "123", "joins", "scope:0", "a@b"];
        HostGraph graph = new()
        {
            Inputs = [Float("x", N, 4)],
            Nodes = [.. names.Select((name, i) => Node($"n{i}", "Relu", [i == 0 ? "x" : names[i - 1]], [name]))],
            Outputs = [names[^1]],
        };
        foreach (string name in names.Where(n => n != "joins"))
        {
            Assert.Equal([name], Select(graph, name));
        }

        Assert.Equal(["joins"], Select(graph, "name:joins"));
        Assert.Equal([names[0]], Select(graph, "/layer1/*"));
    }
}

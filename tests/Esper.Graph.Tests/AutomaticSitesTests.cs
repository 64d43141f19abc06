using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class AutomaticSitesTests
{
    private static string[] Select(HostGraph graph, params string[] selectors) => [.. SiteSurvey.Of(graph).Select(selectors)];

    private static string Failure(HostGraph graph, params string[] selectors) =>
        Assert.Throws<GraphException>(() => Select(graph, selectors)).Message;

    [Fact]
    public void The_deepest_of_each_stage_comes_first_then_what_is_farthest_away()
    {
        HostGraph graph = HostShapes.Residual();
        Assert.Equal(["block4.join"], Select(graph, "auto:1"));
        Assert.Equal(["block2.join", "block4.join"], Select(graph, "auto:2"));

        // Equally far from those two are the stem and block 1, and block 3 between them.
        Assert.Equal(["stem", "block2.join", "block4.join"], Select(graph, "auto:3"));
        Assert.Equal(["stem", "block2.join", "block3.join", "block4.join"], Select(graph, "auto"));
        Assert.Equal(["embedded", "layer2.out"], Select(HostShapes.Transformer(), "auto:2"));
        Assert.Equal(["block1.out", "block2.out", "block3.out"], Select(Preset("cnn3").Graph, "auto:3"));
        Assert.Equal(["block1.out", "block2.out", "block3.out"], Select(Preset("cnn3").Graph, "auto"));
    }

    [Fact]
    public void What_is_left_out_is_not_chosen()
    {
        HostGraph graph = HostShapes.Residual();
        Assert.Equal(["block1.join", "block2.join"], Select(graph, "auto:2", "!block4*", "!block3*", "!stem"));
        Assert.Equal(["stem.conv", "block4.join"], Select(graph, "auto:1", "stem.conv"));
    }

    [Fact]
    public void No_two_sites_lie_side_by_side_with_nothing_trainable_between()
    {
        foreach (HostGraph graph in new[] { HostShapes.Residual(), HostShapes.Transformer(), HostShapes.Skips(), Preset("char-gpt").Graph, Preset("wrn-16-1").Graph })
        {
            int most = MostSites(graph);
            Assert.True(most >= 3, $"{most} sites");
            string[] sites = Select(graph, $"auto:{most}");
            Assert.Equal(most, sites.Length);
            foreach (string early in sites)
            {
                Assert.All(sites.Where(late => late != early), late => Assert.True(Separated(graph, early, late), $"{early}, {late}"));
            }
        }
    }

    [Fact]
    public void Nothing_inside_an_attention_softmax_and_nothing_without_weights_before_or_behind_is_chosen()
    {
        HostGraph graph = HostShapes.Transformer();
        string[] sites = Select(graph, $"auto:{MostSites(graph)}");
        Assert.DoesNotContain(sites, s => s.EndsWith("qk", StringComparison.Ordinal) || s.EndsWith("scores", StringComparison.Ordinal)
            || s.EndsWith("masked", StringComparison.Ordinal) || s.EndsWith("softmax", StringComparison.Ordinal) || s == "bias");

        Assert.Contains("5 inside an attention softmax", Failure(HostShapes.Transformer(layers: 1), "auto:99"), StringComparison.Ordinal);

        // The head of char-gpt is transposed behind its weight: "head" is before the logits by name, but not in substance.
        HostGraph gpt = Preset("char-gpt").Graph;
        Assert.Contains("head", LatticeWrapping.Candidates(gpt));
        Assert.DoesNotContain("head", Select(gpt, $"auto:{MostSites(gpt)}"));
        HostGraph mlp = Preset("mlp:16-8").Graph;
        Assert.Contains("flatten", LatticeWrapping.Candidates(mlp));
        Assert.DoesNotContain("flatten", Select(mlp, $"auto:{MostSites(mlp)}"));
    }

    [Fact]
    public void Without_joins_and_blocks_other_values_that_weights_read_are_taken()
    {
        // Up to the first skip all passes "wide"; behind it nothing does until the skip is joined.
        HostGraph graph = HostShapes.Skips();
        Assert.Equal(["wide", "joined", "last"], Select(graph, "stages"));
        Assert.Equal(["wide", "joined", "last"], Select(graph, "auto:3"));
        Assert.StartsWith(
            "site selector 'auto:4': the graph has only 3 to choose", Failure(graph, "auto:4"), StringComparison.Ordinal);

        // Two branches of two layers each: in between no value is passed by all, and those before the second layers are taken.
        GraphBuilder b = new();
        string x = b.Input("x", ElementType.Float32, Shape(N, 4));
        string left = b.Linear(b.Relu(b.Linear(x, 4, name: "l1"), "left"), 4, name: "l2");
        string right = b.Linear(b.Relu(b.Linear(x, 6, name: "r1"), "right"), 6, name: "r2");
        HostGraph branches = b.Build([b.Apply("Concat", "both", [left, right], NodeAttributes.Of(("axis", 1L)))]);
        Assert.Equal(["left", "right"], Select(branches, "auto:2"));
        Assert.StartsWith("site selector 'stages' finds no stage.", Failure(branches, "stages"), StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_sites_are_an_error_that_says_what_was_looked_at()
    {
        string message = Failure(HostShapes.Residual(), "auto:50");
        Assert.StartsWith("site selector 'auto:50': the graph has only ", message, StringComparison.Ordinal);
        Assert.Equal(
            "Looked at 38 values: 2 that can be no site; residual joins among the rest: 4, block outputs: 1.",
            message[message.IndexOf("Looked", StringComparison.Ordinal)..]);
        Assert.Equal(
            "site selector 'auto': the graph has no site to choose with something trainable before, behind and between. Looked at 1 values: "
            + "0 that can be no site, 1 before the first trained weight; residual joins among the rest: 0, block outputs: 0.",
            Failure(Single("Relu", null, [Shape(N, 4)]), "auto"));
    }

    [Theory]
    [InlineData(1, "auto:5")]
    [InlineData(2, "auto:8")]
    public void A_host_without_sites_of_its_own_gets_as_many_as_there_are_up_to_eight(int layers, string expected)
    {
        HostGraph graph = HostShapes.Transformer(layers);
        string[] defaults = [.. SiteSurvey.Of(graph).Defaults()];
        Assert.Equal([expected], defaults);
        Assert.NotEmpty(LatticeWrapping.Wrap(graph, defaults, 2).Sites);
        Assert.Equal(["*"], SiteSurvey.Of(Single("Relu", null, [Shape(N, 4)])).Defaults().ToArray());
    }

    [Fact]
    public void The_measured_choice_takes_the_highest_scores_that_weights_separate()
    {
        SiteSurvey survey = SiteSurvey.Of(HostShapes.Residual());
        string[] selectors = ["auto-variance:2", "stem.conv", "!block4*"];
        string[] measured = [.. survey.ToMeasure(selectors)];
        Assert.Equal(["stem", "block1.join", "block2.join", "block3.join"], measured);
        double[] scores = [0.5, 0.9, 0.1, 0.9];
        Assert.Equal(
            ["name:block1.join", "name:block3.join", "stem.conv", "!block4*"],
            survey.Choose(selectors, measured.Zip(scores).ToDictionary(p => p.First, p => p.Second)).ToArray());
        Assert.True(SiteSurvey.IsMeasured(selectors));
        Assert.False(SiteSurvey.IsMeasured(["auto:2", "x"]));
        Assert.Equal(
            "sites 'auto-variance:2, auto-variance:3': one auto-variance:K is enough",
            Assert.Throws<GraphException>(() => SiteSurvey.IsMeasured(["auto-variance:2", "auto-variance:3"])).Message);
        Assert.StartsWith(
            "site selector 'auto-variance:99': the graph has only ",
            Assert.Throws<GraphException>(() => survey.ToMeasure(["auto-variance:99"])).Message, StringComparison.Ordinal);

        // Scores of values with nothing trainable between: the second one of a pair is passed over.
        Dictionary<string, double> close = new() { ["block1.join"] = 3, ["block1.out"] = 2, ["block3.join"] = 1 };
        Assert.Equal(["name:block1.join", "name:block3.join", "stem.conv", "!block4*"], survey.Choose(selectors, close).ToArray());
    }

    // All that an automatic choice finds, asked for one more at a time.
    private static int MostSites(HostGraph graph)
    {
        int count = 0;
        while (Record.Exception(() => Select(graph, $"auto:{count + 1}")) is null)
        {
            count++;
        }

        return count;
    }

    // Whether no path leads from one value to the other, or one with a weight on it, by brute force.
    private static bool Separated(HostGraph graph, string from, string to)
    {
        string[] weights = ["Conv", "Gemm", "MatMul", "Gather"];
        bool Weighs(Node n) => weights.Contains(n.Op) && n.Inputs.Any(i => graph.FindParameter(i) is { Trained: true, Shape.Rank: >= 2 });
        (bool Reached, bool Weighted) Walk(string value, bool weighted)
        {
            if (value == to)
            {
                return (true, weighted);
            }

            (bool Reached, bool Weighted)[] ways =
            [
                .. graph.ConsumersOf(value).SelectMany(n => n.Outputs.Select(o => Walk(o, weighted || Weighs(n)))),
            ];
            return (ways.Any(w => w.Reached), ways.Any(w => w is { Reached: true, Weighted: true }));
        }

        (bool reached, bool weighted) = Walk(from, false);
        return !reached || weighted;
    }
}

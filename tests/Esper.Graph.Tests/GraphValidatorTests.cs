using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class GraphValidatorTests
{
    private static HostGraph Valid() => new()
    {
        Inputs = [Float("x", N, 4), Int("labels", N)],
        Parameters = [new Parameter("w", Shape(3, 4), Initializer.Zeros, ParameterRole.Weight)],
        Nodes =
        [
            Node("logits", "Gemm", ["x", "w"], ["logits"], NodeAttributes.Of(("transB", 1L))),
            Node("loss", "SoftmaxCrossEntropyLoss", ["logits", "labels"], ["loss"]),
        ],
        Outputs = ["logits"],
        Loss = "loss",
        Logits = "logits",
        Labels = "labels",
    };

    private static void HasProblem(HostGraph graph, string expected) =>
        Assert.Equal([expected], GraphValidator.Check(graph).Select(p => p.ToString()));

    private static HostGraph WithNode(Node node) => Valid() with { Nodes = Valid().Nodes.Add(node) };

    [Fact]
    public void A_valid_graph_has_no_problems_and_is_returned()
    {
        HostGraph graph = Valid();
        Assert.Empty(GraphValidator.Check(graph));
        Assert.Same(graph, GraphValidator.Validate(graph));
    }

    [Fact]
    public void Names_are_unique()
    {
        HasProblem(
            Valid() with { Inputs = [.. Valid().Inputs, Float("w", N)] }, "value 'w': the name is used for more than one value");
        HasProblem(
            WithNode(Node("loss", "Relu", ["logits"], ["y"])), "node 'loss' (Relu): another node has the same name");
        HasProblem(
            WithNode(Node("again", "Relu", ["logits"], ["logits"])),
            "node 'again' (Relu): its output 'logits' is the name of another value");
        HasProblem(WithNode(Node("", "Relu", ["logits"], ["y"])), "node '' (Relu): the node has no name");
        HasProblem(
            Valid() with { Inputs = [.. Valid().Inputs, Float("", N)] }, "graph: an input, parameter or constant has no name");
    }

    [Fact]
    public void Operators_attributes_and_arity_are_known()
    {
        string unknown = GraphValidator.Check(WithNode(Node("n", "Rellu", ["logits"], ["y"])))[0].ToString();
        Assert.StartsWith("node 'n' (Rellu): unknown operator. Did you mean 'Relu'? Known: Abs, ", unknown, StringComparison.Ordinal);
        Assert.Contains("esper.Lattice", unknown, StringComparison.Ordinal);
        HasProblem(
            WithNode(Node("n", "Softmax", ["logits"], ["y"], NodeAttributes.Of(("axes", 1L)))),
            "node 'n' (Softmax): unknown attribute 'axes'. Did you mean 'axis'? Known: axis.");
        HasProblem(
            WithNode(Node("n", "Softmax", ["logits"], ["y"], NodeAttributes.Of(("axis", 1.0)))),
            "node 'n' (Softmax): attribute 'axis' is of kind Float, not Int");
        HasProblem(WithNode(Node("n", "Cast", ["logits"], ["y"])), "node 'n' (Cast): attribute 'to' is missing");
        HasProblem(WithNode(Node("n", "Add", ["logits"], ["y"])), "node 'n' (Add): it has 1 inputs, 2 are allowed");
        HasProblem(WithNode(Node("n", "Gemm", ["x"], ["y"])), "node 'n' (Gemm): it has 1 inputs, 2 to 3 are allowed");
        HasProblem(WithNode(Node("n", "Relu", ["x"], ["y", "z"])), "node 'n' (Relu): it has 2 outputs, 1 are allowed");
        HasProblem(WithNode(Node("n", "Add", ["logits", ""], ["y"])), "node 'n' (Add): input 1 must not be left out");
    }

    [Fact]
    public void Values_are_made_before_they_are_used()
    {
        HasProblem(WithNode(Node("n", "Relu", ["nowhere"], ["y"])), "node 'n' (Relu): nothing makes its input 'nowhere'");
        HostGraph swapped = Valid() with { Nodes = [Valid().Nodes[1], Valid().Nodes[0]] };
        HasProblem(swapped, "node 'loss' (SoftmaxCrossEntropyLoss): its input 'logits' is used before 'logits' makes it");
    }

    [Fact]
    public void Cycles_are_shown_as_a_path()
    {
        HostGraph graph = new()
        {
            Inputs = [Float("x", N, 4)],
            Nodes =
            [
                Node("a", "Add", ["x", "c"], ["a"]),
                Node("b", "Relu", ["a"], ["b"]),
                Node("c", "Tanh", ["b"], ["c"]),
                Node("d", "Relu", ["c"], ["d"]),
            ],
            Outputs = ["d"],
        };
        HasProblem(graph, "graph: nodes form a cycle: a -> b -> c -> a");
    }

    [Fact]
    public void Loss_logits_labels_and_outputs_exist_and_fit()
    {
        HasProblem(Valid() with { Outputs = ["nothing"] }, "output 'nothing': the graph has no such value");
        HasProblem(Valid() with { Loss = "nothing" }, "loss 'nothing': the graph has no such value");
        HasProblem(Valid() with { Labels = "logits" }, "labels 'logits': the graph has no such input");
        HasProblem(Valid() with { Loss = "logits" }, "loss 'logits': it is Float32[N, 3], a Float32 scalar [] is needed");
        HasProblem(Valid() with { Labels = "x" }, "labels 'x': they are Float32[N, 4], an Int64 tensor is needed");
        HasProblem(Valid() with { Logits = "loss" }, "logits 'loss': they are Float32[], Float32 [N, K, ...] is needed");
        HasProblem(Valid() with { Outputs = [], Loss = null }, "graph: it has neither an output nor a loss");
    }

    [Fact]
    public void Statistics_are_buffers_and_parameters_have_fixed_shapes()
    {
        Parameter[] parameters =
        [
            .. new[] { "scale", "bias", "mean", "variance" }
                .Select(n => new Parameter(n, Shape(4), Initializer.Ones, ParameterRole.Norm, Trained: n != "variance")),
        ];
        HostGraph graph = WithNode(Node("bn", "BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y"]))
            with
        { Parameters = [.. Valid().Parameters, .. parameters] };
        HasProblem(graph, "node 'bn' (BatchNormalization): its running statistic 'mean' must be a parameter that is not trained, or a constant");
        Parameter dynamic = new("p", Shape(N, 2), Initializer.Zeros, ParameterRole.Weight);
        HasProblem(
            Valid() with { Parameters = [.. Valid().Parameters, dynamic] }, "parameter 'p': its shape [N, 2] must be fixed");
    }

    [Fact]
    public void Shape_problems_keep_their_place()
    {
        GraphProblem problem = Assert.Single(GraphValidator.Check(WithNode(Node("n", "Add", ["x", "logits"], ["y"]))));
        Assert.Equal(new GraphProblem("node 'n' (Add)", "shapes [N, 4] and [N, 3] do not broadcast"), problem);
    }

    [Fact]
    public void Validate_lists_all_problems()
    {
        HostGraph graph = WithNode(Node("n", "Add", ["nowhere"], ["y"])) with { Outputs = ["nothing"] };
        GraphException failure = Assert.Throws<GraphException>(() => GraphValidator.Validate(graph));
        Assert.Equal(
            "the graph has 3 problems:\n"
            + "  node 'n' (Add): it has 1 inputs, 2 are allowed\n"
            + "  node 'n' (Add): nothing makes its input 'nowhere'\n"
            + "  output 'nothing': the graph has no such value",
            failure.Message);
    }

    [Fact]
    public void Deep_graphs_do_not_exhaust_the_stack()
    {
        const int Depth = 20_000;
        HostGraph graph = new()
        {
            Inputs = [Float("v0", N, 4)],
            Nodes = [.. Enumerable.Range(1, Depth).Select(i => Node($"n{i}", "Relu", [$"v{i - 1}"], [$"v{i}"]))],
            Outputs = [$"v{Depth}"],
        };
        Assert.Empty(GraphValidator.Check(graph));
    }
}

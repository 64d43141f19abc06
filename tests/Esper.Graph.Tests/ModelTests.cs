using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class ModelTests
{
    [Theory]
    [InlineData("cnn3")]
    [InlineData("wrn-16-1")]
    [InlineData("char-gpt")]
    public void Graphs_built_twice_are_equal(string spec)
    {
        HostGraph left = Preset(spec).Graph;
        HostGraph right = Preset(spec).Graph;
        Assert.NotSame(left, right);
        Assert.Equal(left, right);
        Assert.Equal(left.GetHashCode(), right.GetHashCode());
    }

    [Fact]
    public void Every_part_takes_part_in_equality()
    {
        HostGraph graph = Preset("char-gpt:1-8-2").Graph;
        Node first = graph.Nodes[0];
        HostGraph[] others =
        [
            graph with { Loss = null },
            graph with { Logits = null },
            graph with { Labels = null },
            graph with { Outputs = [] },
            graph with { Inputs = graph.Inputs.RemoveAt(0) },
            graph with { Parameters = graph.Parameters.SetItem(0, graph.Parameters[0] with { Role = ParameterRole.Bias }) },
            graph with { Parameters = graph.Parameters.SetItem(0, graph.Parameters[0] with { Initializer = Initializer.Ones }) },
            graph with { Constants = [.. graph.Constants, Constant.OfFloats("c", [1], [1f])] },
            graph with { Nodes = graph.Nodes.SetItem(0, first with { Attributes = first.Attributes.With("axis", 1L) }) },
            graph with { Nodes = graph.Nodes.SetItem(0, first with { Inputs = [.. first.Inputs.Reverse()] }) },
        ];
        Assert.All(others, other => Assert.NotEqual(graph, other));
    }

    [Fact]
    public void Constants_compare_by_content()
    {
        Assert.Equal(Constant.OfIntegers("c", [2], [1, 2]), Constant.OfIntegers("c", [2], [1, 2]));
        Assert.NotEqual(Constant.OfIntegers("c", [2], [1, 2]), Constant.OfIntegers("c", [2], [1, 3]));
        Assert.NotEqual(Constant.OfFloats("c", [1], [0f]), Constant.OfFloats("c", [1], [-0f]));
        Assert.NotEqual(Constant.OfFloats("c", [1], [1f]), Constant.OfIntegers("c", [1], [1]));
        Assert.NotEqual(Constant.OfDoubles("c", [1], [0.0]), Constant.OfDoubles("c", [1], [-0.0]));
        Assert.NotEqual(Constant.OfBooleans("c", [1], [1]), Constant.OfBytes("c", [1], [1]));
        Assert.Equal(Constant.OfBooleans("c", [2], [7, 0]), Constant.OfBooleans("c", [2], [1, 0]));
        Assert.NotEqual(Constant.OfBytes("c", [1], [7]), Constant.OfBytes("c", [1], [1]));
        GraphException failure = Assert.Throws<GraphException>(() => Constant.OfIntegers("c", [2, 2], [1, 2, 3]));
        Assert.Equal("constant 'c': 3 elements do not fill the shape [2, 2]", failure.Message);
    }

    [Fact]
    public void Attributes_compare_by_kind_and_content_and_refuse_other_kinds()
    {
        Assert.Equal(NodeAttributes.Of(("a", 1L), ("b", new long[] { 1, 2 })), NodeAttributes.Of(("b", new long[] { 1, 2 }), ("a", 1L)));
        Assert.NotEqual(AttributeValue.Of(1L), AttributeValue.Of(1.0));
        Assert.NotEqual(AttributeValue.Of([1L, 2L]), AttributeValue.Of([1L, 3L]));
        Assert.NotEqual(AttributeValue.Of([1.0, 2.0]), AttributeValue.Of([1.0, 2.5]));
        Assert.Equal("[1, 2.5]", AttributeValue.Of([1.0, 2.5]).ToString());
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => AttributeValue.Of("x").Int);
        Assert.Equal("The attribute is of kind String, not Int.", failure.Message);
        Assert.Equal(["a", "b"], NodeAttributes.Of(("b", 1L), ("a", "x")).Select(a => a.Key));
    }

    [Fact]
    public void The_index_belongs_to_one_graph_only()
    {
        HostGraph graph = Single("Relu", null, [Shape(N, 3)]);
        Assert.Equal("node", graph.ProducerOf("y0")?.Name);
        Assert.Equal(["node"], graph.ConsumersOf("x0").Select(n => n.Name));
        HostGraph copy = graph with { Nodes = [Node("other", "Tanh", ["x0"], ["z"])] };
        Assert.Null(copy.ProducerOf("y0"));
        Assert.Equal("other", copy.ProducerOf("z")?.Name);
        Assert.Equal(["other"], copy.ConsumersOf("x0").Select(n => n.Name));
        Assert.Equal("node", graph.ProducerOf("y0")?.Name);
    }

    [Fact]
    public void A_node_that_reads_a_value_twice_consumes_it_once()
    {
        HostGraph graph = new() { Inputs = [Float("x", N, 2)], Nodes = [Node("n", "Mul", ["x", "x"], ["y"])], Outputs = ["y"] };
        Assert.Single(graph.ConsumersOf("x"));
        Assert.Empty(graph.ConsumersOf("y"));
        Assert.Null(graph.ProducerOf("x"));
    }

    [Fact]
    public void Dimensions_and_shapes_read_as_people_write_them()
    {
        Assert.Equal("[N, 16, 32]", Shape(N, 16, 32).ToString());
        TensorShape folded = [new Dimension(128, isDynamic: true), 65];
        Assert.Equal("[N*128, 65]", folded.ToString());
        Assert.Equal([-1, 65], folded.ToArray());
        Assert.Equal([512, 65], folded.ToArray(batch: 4));
        Assert.Equal(128 * 65, folded.ElementsPerExample);
        Assert.NotEqual(Shape(N, 2), Shape(1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shape(-2));
        Assert.Equal("[]", TensorShape.Scalar.ToString());
        Assert.Equal(1, TensorShape.Scalar.ElementsPerExample);
    }
}

using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class GraphCostTests
{
    private static long Flops(string op, NodeAttributes? attributes, object[] operands, int outputs = 1) =>
        GraphCost.Of(Single(op, attributes, operands, outputs)).ForwardFlops;

    [Fact]
    public void A_convolution_counts_two_a_weight_and_position_and_one_a_bias()
    {
        // Output 3 x 3 x 2 = 18 elements, each of 2 * 3 * 3 = 18 products and as many additions; with bias one addition more.
        Assert.Equal(18 * 36, Flops("Conv", null, [Shape(N, 2, 5, 4), Shape(3, 2, 3, 3)]));
        Assert.Equal(18 * 37, Flops("Conv", null, [Shape(N, 2, 5, 4), Shape(3, 2, 3, 3), Shape(3)]));

        // In two groups each output sees half of the channels.
        Assert.Equal(
            4 * 3 * 2 * (2 * 9), Flops("Conv", NodeAttributes.Of(("group", 2L)), [Shape(N, 2, 5, 4), Shape(4, 1, 3, 3)]));
    }

    [Fact]
    public void A_transposed_convolution_counts_two_a_weight_and_input_position()
    {
        // 5 x 4 x 2 = 40 input elements meet 3 / group * 3 * 3 weights each; output 7 x 6 x 3.
        Assert.Equal(40 * 2 * 27, Flops("ConvTranspose", null, [Shape(N, 2, 5, 4), Shape(2, 3, 3, 3)]));
        Assert.Equal((40 * 2 * 27) + (7 * 6 * 3), Flops("ConvTranspose", null, [Shape(N, 2, 5, 4), Shape(2, 3, 3, 3), Shape(3)]));
        Assert.Equal(
            40 * 2 * 9, Flops("ConvTranspose", NodeAttributes.Of(("group", 2L)), [Shape(N, 2, 5, 4), Shape(2, 1, 3, 3)]));
    }

    [Theory]
    [InlineData("bij,bjk->bik", 2 * 3 * 4 * 4)]
    [InlineData("bij,bjk->bijk", 3 * 4 * 4)]
    [InlineData("bij,bjk->", 2 * 3 * 4 * 4)]
    [InlineData("...ij,...jk", 2 * 3 * 4 * 4)]
    public void Einsum_counts_the_combinations_of_its_letters(string equation, long expected) =>
        Assert.Equal(expected, Flops("Einsum", NodeAttributes.Of(("equation", equation)), [Shape(N, 3, 4), Shape(N, 4, 4)]));

    [Theory]
    [InlineData("nearest", 0)]
    [InlineData("linear", 3 * 2)]
    [InlineData("cubic", 7 * 2)]
    public void Resize_counts_the_weighted_elements_of_each_resized_axis(string mode, long each) =>
        Assert.Equal(
            each * 3 * 8 * 15,
            Flops("Resize", NodeAttributes.Of(("mode", mode)), [Shape(N, 3, 4, 5), null!, new[] { 1f, 1f, 2f, 3f }]));

    [Theory]
    [InlineData("nearest", 0)]
    [InlineData("linear", 7)]
    [InlineData("cubic", 31)]
    public void GridSample_counts_the_weighted_elements(string mode, long each) =>
        Assert.Equal(
            each * 3 * 2 * 6, Flops("GridSample", NodeAttributes.Of(("mode", mode)), [Shape(N, 3, 4, 5), Shape(N, 2, 6, 2)]));

    [Fact]
    public void Einsum_contracts_from_left_to_right()
    {
        // ij,jk->ik takes 2 * 3 * 4, then ik,kl->il another 2 * 2 * 5 rows of k = 4.
        Assert.Equal(
            (2 * 2 * 3 * 4) + (2 * 2 * 4 * 5),
            Flops("Einsum", NodeAttributes.Of(("equation", "ij,jk,kl->il")), [Shape(2, 3), Shape(3, 4), Shape(4, 5)]));
        Assert.Equal(12, Flops("Einsum", NodeAttributes.Of(("equation", "ij->i")), [Shape(3, 4)]));
        Assert.Equal(0, Flops("Einsum", NodeAttributes.Of(("equation", "ij->ji")), [Shape(3, 4)]));
        Assert.Equal(0, Flops("Einsum", NodeAttributes.Of(("equation", "ii->i")), [Shape(4, 4)]));
    }

    [Fact]
    public void Matrix_products_count_two_a_product()
    {
        Assert.Equal((2 * 7 * 5) + 5, Flops("Gemm", NodeAttributes.Of(("transB", 1L)), [Shape(N, 7), Shape(5, 7), Shape(5)]));
        Assert.Equal(2 * 4 * 7 * 5, Flops("Gemm", NodeAttributes.Of(("transA", 1L)), [Shape(7, 4), Shape(7, 5)]));
        Assert.Equal(2 * 6 * 4 * 9, Flops("MatMul", null, [Shape(N, 6, 4), Shape(4, 9)]));
        Assert.Equal(2 * 3 * 6 * 4 * 9, Flops("MatMul", null, [Shape(N, 3, 6, 4), Shape(N, 3, 4, 9)]));
    }

    [Fact]
    public void Attention_counts_both_products_and_six_a_score()
    {
        // 4 query heads of size 6 over 9 keys; values of size 7 a head.
        long scores = 4 * 5 * 9;
        Assert.Equal(
            (scores * 2 * 6) + (scores * 2 * 7) + (6 * scores),
            Flops(
                "Attention", NodeAttributes.Of(("q_num_heads", 4L), ("kv_num_heads", 2L)),
                [Shape(N, 5, 24), Shape(N, 9, 12), Shape(N, 9, 14)]));
    }

    [Theory]
    [InlineData("Relu", 1)]
    [InlineData("Tanh", 1)]
    [InlineData("LeakyRelu", 2)]
    [InlineData("Elu", 3)]
    [InlineData("Sigmoid", 4)]
    [InlineData("HardSwish", 4)]
    [InlineData("Gelu", 5)]
    [InlineData("Softmax", 5)]
    [InlineData("LogSoftmax", 5)]
    [InlineData("Dropout", 1)]
    [InlineData("Identity", 0)]
    [InlineData("GlobalAveragePool", 1)]
    [InlineData("GlobalMaxPool", 1)]
    [InlineData("GlobalLpPool", 2)]
    [InlineData("Trilu", 0)]
    [InlineData("Shape", 0)]
    [InlineData("ReduceSum", 1)]
    public void Element_operators_follow_the_documented_table(string op, long each) =>
        Assert.Equal(each * 3 * 5, Flops(op, null, [Shape(N, 3, 5)]));

    [Fact]
    public void Normalisation_pooling_and_loss_follow_the_documented_table()
    {
        Assert.Equal(7 * 15, Flops("LayerNormalization", null, [Shape(N, 3, 5), Shape(5)]));
        Assert.Equal(2 * 15, Flops("BatchNormalization", null, [Shape(N, 3, 5), Shape(3), Shape(3), Shape(3), Shape(3)]));
        Assert.Equal(
            3 * 2 * 2 * 6, Flops("MaxPool", NodeAttributes.Of(("kernel_shape", new long[] { 3, 2 })), [Shape(N, 3, 4, 3)]));
        Assert.Equal(
            2 * 3 * 2 * 2 * 6, Flops("LpPool", NodeAttributes.Of(("kernel_shape", new long[] { 3, 2 })), [Shape(N, 3, 4, 3)]));
        NodeAttributes adds = NodeAttributes.Of(("reduction", "add"));
        Assert.Equal(14, Flops("ScatterND", adds, [Shape(9, 7), Int("", 2, 1), Shape(2, 7)]));
        Assert.Equal(0, Flops("ScatterND", null, [Shape(9, 7), Int("", 2, 1), Shape(2, 7)]));
        Assert.Equal(6, Flops("ScatterElements", adds, [Shape(9), Int("", 6), Shape(6)]));
        Assert.Equal(5 * 10, Flops("SoftmaxCrossEntropyLoss", null, [Shape(N, 10), Int("", N)]));
        Assert.Equal(15, Flops("Add", null, [Shape(N, 3, 1), Shape(5)]));
    }

    // Sum of 2 * multiply-adds of all Conv2d and Linear layers and the linear biases, by forward hooks over torch 1.13's modules.
    [Theory]
    [InlineData("cnn3", 20_646_410)]
    [InlineData("wrn-16-1", 53_314_826)]
    public void Convolutions_and_linear_layers_of_a_preset_cost_what_PyTorchs_do(string spec, long expected)
    {
        GraphCost cost = GraphCost.Of(Preset(spec).Graph);
        Assert.Equal(expected, cost.Nodes.Where(n => n.Op is "Conv" or "Gemm").Sum(n => n.Flops));
    }

    [Fact]
    public void Node_costs_add_up_and_training_costs_three_times_forward()
    {
        GraphCost cost = GraphCost.Of(Preset("cnn3").Graph);
        Assert.Equal(94_762, cost.Parameters);
        Assert.Equal(cost.Parameters, cost.Nodes.Sum(n => n.Parameters));
        Assert.Equal(448, cost.Buffers);
        Assert.Equal(cost.ForwardFlops, cost.Nodes.Sum(n => n.Flops));
        Assert.Equal(3 * cost.ForwardFlops, cost.TrainFlops);
        Assert.Equal(new NodeCost("block2.conv", "Conv", 2L * 64 * 16 * 16 * 32 * 9, 64 * 32 * 9), cost.Nodes[4]);
    }

    [Fact]
    public void A_parameter_that_two_nodes_read_counts_once()
    {
        HostGraph graph = new()
        {
            Inputs = [Float("x", N, 4)],
            Parameters = [new Parameter("w", Shape(4, 4), Initializer.Zeros, ParameterRole.Weight)],
            Nodes = [Node("a", "MatMul", ["x", "w"], ["a"]), Node("b", "MatMul", ["a", "w"], ["b"])],
            Outputs = ["b"],
        };
        GraphCost cost = GraphCost.Of(graph);
        Assert.Equal(16, cost.Parameters);
        Assert.Equal([16L, 0L], cost.Nodes.Select(n => n.Parameters));
    }

    [Fact]
    public void Replaced_input_shapes_scale_the_count()
    {
        HostGraph graph = Preset("mlp").Graph;
        Dictionary<string, TensorShape> batch = new() { ["images"] = Shape(8, 3, 32, 32), ["labels"] = Shape(8) };
        Assert.Equal(8 * GraphCost.Of(graph).ForwardFlops, GraphCost.Of(graph, batch).ForwardFlops);
    }
}

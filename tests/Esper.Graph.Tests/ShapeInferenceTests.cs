using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class ShapeInferenceTests
{
    private static readonly long[] Pair = [2, 3];

    // Expected shapes of convolutions and poolings are what torch 1.13 gives for the same arguments.
    public static TheoryData<string, object?, object[], string> Cases() => new()
    {
        {
            "Conv",
            NodeAttributes.Of(
                ("strides", Pair), ("pads", new long[] { 1, 2, 1, 2 }), ("dilations", new long[] { 2, 1 }), ("group", 2L)),
            [Shape(N, 6, 17, 23), Shape(4, 3, 3, 5)],
            "[N, 4, 8, 8]"
        },
        { "Conv", null, [Shape(N, 3, 7, 5), Shape(8, 3, 3, 3), Shape(8)], "[N, 8, 5, 3]" },
        {
            "Conv",
            NodeAttributes.Of(("strides", new long[] { 3 }), ("pads", new long[] { 2, 2 }), ("dilations", new long[] { 3 })),
            [Shape(N, 5, 19), Shape(2, 5, 4)],
            "[N, 2, 5]"
        },
        {
            "Conv", NodeAttributes.Of(("pads", new long[] { 0, 1, 2, 3 })), [Shape(N, 1, 5, 5), Shape(1, 1, 3, 3)],
            "[N, 1, 5, 7]"
        },
        {
            "Conv", NodeAttributes.Of(("auto_pad", "SAME_UPPER"), ("strides", new long[] { 2, 2 })),
            [Shape(N, 1, 7, 8), Shape(1, 1, 3, 3)], "[N, 1, 4, 4]"
        },
        { "MaxPool", NodeAttributes.Of(("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 })), [Shape(N, 3, 7, 9)], "[N, 3, 3, 4]" },
        {
            "MaxPool",
            NodeAttributes.Of(
                ("kernel_shape", new long[] { 3, 3 }), ("strides", new long[] { 2, 2 }), ("pads", new long[] { 1, 1, 1, 1 }),
                ("ceil_mode", 1L)),
            [Shape(N, 3, 7, 10)],
            "[N, 3, 4, 6]"
        },
        {
            "MaxPool",
            NodeAttributes.Of(
                ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }), ("pads", new long[] { 1, 1, 1, 1 }),
                ("ceil_mode", 1L)),
            [Shape(N, 3, 6, 10)],
            "[N, 3, 4, 6]"
        },
        {
            "AveragePool",
            NodeAttributes.Of(
                ("kernel_shape", new long[] { 3, 2 }), ("strides", Pair), ("pads", new long[] { 1, 1, 1, 1 }), ("ceil_mode", 1L)),
            [Shape(N, 3, 6, 11)],
            "[N, 3, 4, 4]"
        },
        {
            "MaxPool",
            NodeAttributes.Of(
                ("kernel_shape", new long[] { 3, 3 }), ("strides", new long[] { 2, 2 }), ("dilations", new long[] { 2, 2 })),
            [Shape(N, 3, 13, 9)],
            "[N, 3, 5, 3]"
        },
        { "GlobalAveragePool", null, [Shape(N, 3, 13, 9)], "[N, 3, 1, 1]" },
        { "BatchNormalization", null, [Shape(N, 3, 5, 5), Shape(3), Shape(3), Shape(3), Shape(3)], "[N, 3, 5, 5]" },
        { "LayerNormalization", NodeAttributes.Of(("axis", -1L)), [Shape(N, 5, 8), Shape(8), Shape(8)], "[N, 5, 8]" },
        { "LayerNormalization", NodeAttributes.Of(("axis", 1L)), [Shape(N, 5, 8), Shape(5, 8)], "[N, 5, 8]" },
        { "Relu", null, [Shape(N, 7)], "[N, 7]" },
        { "Softmax", NodeAttributes.Of(("axis", 1L)), [Shape(N, 7, 3)], "[N, 7, 3]" },
        { "Add", null, [Shape(N, 1, 7), Shape(5, 1)], "[N, 5, 7]" },
        { "Mul", null, [Shape(1, 3), Shape(N, 1)], "[N, 3]" },
        { "Where", null, [new GraphInput("", ElementType.Bool, Shape(7)), Shape(N, 1), Shape()], "[N, 7]" },
        { "Flatten", null, [Shape(N, 3, 4, 5)], "[N, 60]" },
        { "Flatten", NodeAttributes.Of(("axis", 2L)), [Shape(N, 3, 4, 5)], "[N*3, 20]" },
        { "Flatten", NodeAttributes.Of(("axis", 0L)), [Shape(N, 3)], "[1, N*3]" },
        { "Reshape", null, [Shape(N, 6, 4), new long[] { -1, 8 }], "[N*3, 8]" },
        { "Reshape", null, [Shape(N, 6, 4), new long[] { 0, -1 }], "[N, 24]" },
        { "Reshape", null, [Shape(N, 6, 4), new long[] { 0, 3, -1, 0 + 2 }], "[N, 3, 4, 2]" },
        { "Reshape", null, [Shape(6, 4), new long[] { 2, 12 }], "[2, 12]" },
        { "Transpose", NodeAttributes.Of(("perm", new long[] { 0, 2, 1 })), [Shape(N, 6, 4)], "[N, 4, 6]" },
        { "Transpose", null, [Shape(N, 6, 4)], "[4, 6, N]" },
        { "Squeeze", null, [Shape(N, 1, 4, 1), new long[] { -1 }], "[N, 1, 4]" },
        { "Squeeze", null, [Shape(N, 1, 4, 1)], "[N, 4]" },
        { "Unsqueeze", null, [Shape(N, 4), new long[] { 1, -1 }], "[N, 1, 4, 1]" },
        { "Concat", NodeAttributes.Of(("axis", -1L)), [Shape(N, 2, 3), Shape(N, 2, 5), Shape(N, 2, 1)], "[N, 2, 9]" },
        { "Concat", NodeAttributes.Of(("axis", 0L)), [Shape(N, 2), Shape(N, 2)], "[N*2, 2]" },
        { "Slice", null, [Shape(N, 10), new long[] { 2 }, new long[] { -1 }, new long[] { 1 }], "[N, 7]" },
        { "Slice", null, [Shape(N, 10), new long[] { 1 }, new long[] { 99 }, new long[] { 1 }, new long[] { 4 }], "[N, 3]" },
        { "Slice", null, [Shape(N, 10), new long[] { -1 }, new long[] { -99 }, new long[] { -1 }, new long[] { -3 }], "[N, 4]" },
        { "Slice", null, [Shape(N, 10), new long[] { 7 }, new long[] { 3 }, new long[] { 1 }], "[N, 0]" },
        { "Gemm", NodeAttributes.Of(("transB", 1L)), [Shape(N, 7), Shape(5, 7), Shape(5)], "[N, 5]" },
        { "Gemm", NodeAttributes.Of(("transA", 1L)), [Shape(7, 4), Shape(7, 5)], "[4, 5]" },
        { "MatMul", null, [Shape(N, 6, 4), Shape(4, 9)], "[N, 6, 9]" },
        { "MatMul", null, [Shape(N, 1, 6, 4), Shape(3, 4, 9)], "[N, 3, 6, 9]" },
        { "MatMul", null, [Shape(N, 6, 4), Shape(4)], "[N, 6]" },
        { "Gather", NodeAttributes.Of(("axis", 0L)), [Shape(65, 8), Int("", N, 12)], "[N, 12, 8]" },
        { "Gather", NodeAttributes.Of(("axis", 1L)), [Shape(N, 9, 4), Int("")], "[N, 4]" },
        { "ReduceMean", NodeAttributes.Of(("keepdims", 0L)), [Shape(N, 3, 4), new long[] { -1, 1 }], "[N]" },
        { "ReduceSum", null, [Shape(N, 3, 4), new long[] { 1 }], "[N, 1, 4]" },
        { "ReduceSum", NodeAttributes.Of(("keepdims", 0L)), [Shape(N, 3)], "[]" },
        { "ReduceSum", NodeAttributes.Of(("noop_with_empty_axes", 1L)), [Shape(N, 3)], "[N, 3]" },
        {
            "Attention", NodeAttributes.Of(("q_num_heads", 4L), ("kv_num_heads", 2L)),
            [Shape(N, 5, 24), Shape(N, 9, 12), Shape(N, 9, 14)], "[N, 5, 28]"
        },
        { "SoftmaxCrossEntropyLoss", null, [Shape(N, 10), Int("", N)], "[]" },
        { "SoftmaxCrossEntropyLoss", NodeAttributes.Of(("reduction", "none")), [Shape(N, 10, 7), Int("", N, 7)], "[N, 7]" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Infers_the_output_shape(string op, object? attributes, object[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands);
        Assert.Empty(GraphValidator.Check(graph).Where(p => !p.Message.Contains("running statistic", StringComparison.Ordinal)));
        Assert.Equal(expected, ShapeInference.Infer(graph)["y0"].Shape.ToString());
    }

    [Fact]
    public void Every_operator_without_axes_of_its_own_keeps_the_shape()
    {
        foreach (string op in new[]
        {
            "Relu", "Gelu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "Sqrt", "Exp", "Neg", "Identity", "Dropout",
            "LogSoftmax",
        })
        {
            Assert.Equal(Shape(N, 3, 5), ShapeInference.Infer(Single(op, null, [Shape(N, 3, 5)]))["y0"].Shape);
        }

        foreach (string op in new[] { "Add", "Sub", "Mul", "Div", "Pow" })
        {
            Assert.Equal(Shape(N, 3, 5), ShapeInference.Infer(Single(op, null, [Shape(N, 3, 5), Shape(3, 1)]))["y0"].Shape);
        }
    }

    [Fact]
    public void Split_gives_equal_parts_the_last_one_smaller_or_the_stated_ones()
    {
        GraphShapes equal = ShapeInference.Infer(Single("Split", NodeAttributes.Of(("axis", 1L)), [Shape(N, 10, 2)], outputs: 3));
        Assert.Equal(["[N, 4, 2]", "[N, 4, 2]", "[N, 2, 2]"], new[] { "y0", "y1", "y2" }.Select(y => equal[y].Shape.ToString()));
        GraphShapes stated = ShapeInference.Infer(
            Single("Split", NodeAttributes.Of(("axis", -1L)), [Shape(N, 10), new long[] { 3, 7 }], outputs: 2));
        Assert.Equal(["[N, 3]", "[N, 7]"], new[] { "y0", "y1" }.Select(y => stated[y].Shape.ToString()));
    }

    [Fact]
    public void Element_types_follow_the_operators()
    {
        Assert.Equal(ElementType.Int64, ShapeInference.Infer(Single("Reshape", null, [Int("", N, 4), new long[] { -1 }]))["y0"].ElementType);
        Assert.Equal(
            new TensorType(ElementType.Float64, Shape(N)),
            ShapeInference.Infer(Single("Cast", NodeAttributes.Of(("to", 11L)), [Int("", N)]))["y0"]);
        Assert.Equal(ElementType.Int64, ShapeInference.Infer(Single("Neg", null, [Int("", N)]))["y0"].ElementType);
    }

    public static TheoryData<string, object?, object[], string> Failures() => new()
    {
        { "Add", null, [Shape(N, 16, 32, 32), Shape(N, 32, 16, 16)], "shapes [N, 16, 32, 32] and [N, 32, 16, 16] do not broadcast" },
        { "Add", null, [Shape(N, 4), Shape(8, 4)], "shapes [N, 4] and [8, 4] do not broadcast" },
        { "Add", null, [Shape(N, 4), Int("", N, 4)], "Float32[N, 4] and Int64[N, 4] differ in element type; put a Cast before one of them" },
        { "Relu", null, [Int("", N, 4)], "input 0 'x0' is Int64[N, 4], a floating point tensor is needed" },
        { "Conv", null, [Shape(N, 3, 8, 8), Shape(4, 5, 3, 3)], "input [N, 3, 8, 8] and weight [4, 5, 3, 3] disagree about channels with group 1" },
        { "Conv", null, [Shape(N, 3, 2, 8), Shape(4, 3, 3, 3)], "a window of 3 does not fit the padded extent 2 of input [N, 3, 2, 8]" },
        { "Conv", NodeAttributes.Of(("strides", new long[] { 1, 0 })), [Shape(N, 3, 4, 8), Shape(4, 3, 3, 3)], "strides [1, 0] must be 2 numbers, 1 or larger" },
        { "Conv", NodeAttributes.Of(("kernel_shape", new long[] { 5, 5 })), [Shape(N, 3, 8, 8), Shape(4, 3, 3, 3)], "kernel_shape [5, 5] contradicts the weight [4, 3, 3, 3]" },
        { "Conv", null, [Shape(N, 3, 8, 8), Shape(4, 3, 3, 3), Shape(3)], "bias [3] does not fit the weight [4, 3, 3, 3]" },
        { "Conv", NodeAttributes.Of(("group", 3L)), [Shape(N, 3, 8, 8), Shape(4, 1, 3, 3)], "group 3 does not divide the 4 output channels of weight [4, 1, 3, 3]" },
        { "MaxPool", NodeAttributes.Of(("kernel_shape", new long[] { 2 })), [Shape(N, 3, 7, 9)], "kernel_shape [2] does not fit the spatial axes of [N, 3, 7, 9]" },
        { "BatchNormalization", null, [Shape(N, 3, 5), Shape(3), Shape(3), Shape(4), Shape(3)], "input [N, 3, 5] and 'x3' [4] disagree about channels" },
        { "LayerNormalization", null, [Shape(N, 8), Shape(7)], "input [N, 8] and 'x1' [7] disagree about axes 1 and on" },
        { "Gemm", null, [Shape(N, 7), Shape(5, 7)], "shapes [N, 7] and [5, 7] do not multiply" },
        { "Gemm", NodeAttributes.Of(("transB", 1L)), [Shape(N, 7), Shape(7, 5)], "shapes [N, 7] and [7, 5] transposed do not multiply" },
        { "MatMul", null, [Shape(N, 6, 4), Shape(5, 9)], "shapes [N, 6, 4] and [5, 9] do not multiply" },
        { "Reshape", null, [Shape(N, 6, 4), new long[] { -1, 7 }], "[N, 6, 4] cannot take the shape [-1, 7]: the numbers of elements differ" },
        { "Reshape", null, [Shape(N, 6), new long[] { 2, 3 }], "[N, 6] cannot take the shape [2, 3]: the numbers of elements differ" },
        { "Reshape", null, [Shape(N, 6), Int("", 2)], "its shape 'x1' must be an int64 constant" },
        { "Transpose", NodeAttributes.Of(("perm", new long[] { 0, 0 })), [Shape(N, 6)], "perm [0, 0] is no order of the axes of [N, 6]" },
        { "Squeeze", null, [Shape(N, 6), new long[] { 1 }], "axis 1 of [N, 6] has extent 6, only extents of 1 can be dropped" },
        { "Softmax", NodeAttributes.Of(("axis", 2L)), [Shape(N, 6)], "axis 2 is outside a tensor of 2 axes" },
        { "Concat", NodeAttributes.Of(("axis", 1L)), [Shape(N, 2, 3), Shape(N, 2, 5)], "shapes [N, 2, 3] and [N, 2, 5] do not join along axis 1" },
        { "Slice", null, [Shape(N, 6), new long[] { 0 }, new long[] { 1 }], "axis 0 of [N, 6] is the batch and cannot be sliced" },
        { "Gather", null, [Shape(9, 6), Shape(N)], "indices 'x1' are Float32[N], an Int64 tensor is needed" },
        { "Cast", NodeAttributes.Of(("to", 4L)), [Shape(N)], "to = 4 is no element type; known: 1 (Float32), 2 (UInt8), 7 (Int64), 9 (Bool), 11 (Float64)" },
        { "Attention", NodeAttributes.Of(("q_num_heads", 5L), ("kv_num_heads", 5L)), [Shape(N, 5, 24), Shape(N, 5, 24), Shape(N, 5, 24)], "Q [N, 5, 24], K [N, 5, 24] and V [N, 5, 24] do not split into 5 and 5 heads of one size" },
        { "Attention", NodeAttributes.Of(("q_num_heads", 3L), ("kv_num_heads", 2L)), [Shape(N, 5, 24), Shape(N, 5, 24), Shape(N, 5, 24)], "q_num_heads 3 must be a positive multiple of kv_num_heads 2" },
        { "SoftmaxCrossEntropyLoss", null, [Shape(N, 10), Int("", N, 1)], "scores [N, 10] and labels [N, 1] do not fit: labels must be the scores without axis 1" },
        { "SoftmaxCrossEntropyLoss", null, [Shape(N, 10), Shape(N)], "labels 'x1' are Float32[N], an Int64 tensor is needed" },
        { "SoftmaxCrossEntropyLoss", NodeAttributes.Of(("label_smoothing", 1.0)), [Shape(N, 10), Int("", N)], "label_smoothing 1 is not in [0, 1)" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Names_node_operator_and_shapes(string op, object? attributes, object[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands);
        GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(graph));
        Assert.Equal($"node 'node' ({op}): {expected}", failure.Message);
    }

    [Fact]
    public void Unvalidated_graphs_fail_with_a_place_too()
    {
        string Message(HostGraph graph) => Assert.Throws<GraphException>(() => ShapeInference.Infer(graph)).Message;
        Assert.Equal("node 'node' (Relu): it has 2 outputs, 1 at most are allowed", Message(Single("Relu", null, [Shape(N)], outputs: 2)));
        Assert.Equal("node 'node' (Add): input 1 is missing", Message(Single("Add", null, [Shape(N)])));
        Assert.Equal(
            "node 'node' (Softmax): The attribute is of kind String, not Int.",
            Message(Single("Softmax", NodeAttributes.Of(("axis", "1")), [Shape(N)])));
        Assert.StartsWith(
            "node 'node' (Sofmax): unknown operator. Did you mean 'Softmax'? Known: Abs, ",
            Message(Single("Sofmax", null, [Shape(N)])),
            StringComparison.Ordinal);
        long large = 1L << 40;
        Assert.Equal(
            "node 'node' (Flatten): the number of elements exceeds 64 bits",
            Message(Single("Flatten", null, [Shape(N, large, large)])));
    }

    [Fact]
    public void Checks_the_channels_of_a_lattice()
    {
        NodeAttributes attributes = NodeAttributes.Of(("site", 0L), ("layout", 0L), ("channels", 5L), ("seeds", 2L));
        HostGraph graph = Single("Lattice", attributes, [Shape(N, 4, 8, 8)], domain: "esper");
        GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(graph));
        Assert.Equal("node 'node' (esper.Lattice): input [N, 4, 8, 8] does not have 5 channels on axis 1", failure.Message);
    }

    [Fact]
    public void Input_shapes_can_be_replaced_and_unknown_names_are_refused()
    {
        HostGraph graph = Single("Relu", null, [Shape(N, 3)]);
        GraphShapes shapes = ShapeInference.Infer(graph, new Dictionary<string, TensorShape> { ["x0"] = Shape(8, 3) });
        Assert.Equal(Shape(8, 3), shapes["y0"].Shape);
        GraphException failure = Assert.Throws<GraphException>(
            () => ShapeInference.Infer(graph, new Dictionary<string, TensorShape> { ["x9"] = Shape(8, 3) }));
        Assert.Equal("the graph has no input 'x9'. Did you mean 'x0'? Known: x0.", failure.Message);
    }
}

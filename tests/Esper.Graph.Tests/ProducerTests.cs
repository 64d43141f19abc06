using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class ProducerTests
{
    private static (string? Weight, int Axis) Producer(GraphBuilder builder, string value)
    {
        // Something must read the value, or it could not be a site.
        LatticeSite site = Assert.Single(LatticeWrapping.Wrap(builder.Build([value]), [value], 1).Sites);
        return (site.Producer, site.ProducerAxis);
    }

    private static (GraphBuilder Builder, string Input) Begin(params long[] shape)
    {
        GraphBuilder builder = new();
        return (builder, builder.Input("x", ElementType.Float32, Shape(shape)));
    }

    [Fact]
    public void Is_found_through_normalisation_activation_pooling_and_flattening()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string value = b.GlobalAveragePool(b.MaxPool(b.Relu(b.BatchNorm(b.Conv(x, 6, 3))), 2));
        Assert.Equal(("conv.weight", 0), Producer(b, b.Flatten(value)));
    }

    [Fact]
    public void Is_lost_where_flattening_mixes_channels_with_positions()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        Assert.Equal((null, -1), Producer(b, b.Flatten(b.Conv(x, 6, 3))));
    }

    [Fact]
    public void Follows_transposition_and_reshaping()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string tokens = b.Transpose(b.Reshape(b.Conv(x, 6, 3), [0, 6, -1]), [0, 2, 1]);
        Assert.Equal("[N, 36, 6]", b.TypeOf(tokens).Shape.ToString());
        Assert.Equal(("conv.weight", 0), Producer(b, b.Relu(tokens)));
    }

    [Fact]
    public void Of_a_join_is_that_of_the_first_branch_that_has_one()
    {
        (GraphBuilder b, string x) = Begin(N, 4);
        string first = b.Linear(x, 4, name: "first");
        string second = b.Linear(x, 4, name: "second");
        string joined = b.Add(b.Relu(x), b.Add(second, first));
        Assert.Equal(("second.weight", 0), Producer(b, joined));
    }

    [Fact]
    public void Does_not_follow_an_operand_that_is_broadcast_over_the_channels()
    {
        (GraphBuilder b, string x) = Begin(N, 4);
        string gate = b.Linear(x, 1, name: "gate");
        string body = b.Linear(x, 4, name: "body");
        Assert.Equal(("body.weight", 0), Producer(b, b.Mul(gate, body)));
    }

    [Fact]
    public void Of_a_matrix_product_has_its_channels_on_axis_1()
    {
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        Assert.Equal(("proj.weight", 1), Producer(b, b.Gelu(b.Project(x, 6, Initializer.Zeros))));
    }

    [Fact]
    public void Is_found_through_padding_and_cutting_of_other_axes()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string pads = b.Constant("pads", 0, 0, 1, 1, 0, 0, 1, 1);
        string wide = b.Apply("Pad", "pad", [b.Conv(x, 6, 3), pads]);
        string part = b.Apply("Slice", "part", [wide, b.Constant("start", 1), b.Constant("end", 5), b.Constant("axis", 3)]);
        string tiled = b.Apply("Tile", "tile", [part, b.Constant("repeats", 1, 1, 2, 1)]);
        Assert.Equal(("conv.weight", 0), Producer(b, b.Relu(b.Apply("GlobalMaxPool", "max", [tiled]))));
    }

    [Fact]
    public void Is_lost_where_channels_move()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string shifted = b.Apply("Pad", "pad", [b.Conv(x, 6, 3), b.Constant("pads", 0, -1, 0, 0, 0, 1, 0, 0)]);
        Assert.Equal((null, -1), Producer(b, b.Relu(shifted)));
        (b, x) = Begin(N, 3, 8, 8);
        string reversed = b.Apply(
            "Slice", "part", [b.Conv(x, 6, 3), b.Constant("start", -1), b.Constant("end", -99), b.Constant("axis", 1), b.Constant("step", -1)]);
        Assert.Equal((null, -1), Producer(b, b.Relu(reversed)));
        (b, x) = Begin(N, 3, 8, 8);
        string tiled = b.Apply("Tile", "tile", [b.Conv(x, 6, 3), b.Constant("repeats", 1, 2, 1, 1)]);
        Assert.Equal((null, -1), Producer(b, b.Relu(tiled)));
    }

    [Fact]
    public void Of_a_transposed_convolution_has_its_channels_on_axis_1()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string weight = b.Parameter("up.weight", Shape(3, 6, 2, 2), Initializer.Zeros, ParameterRole.Weight);
        Assert.Equal(("up.weight", 1), Producer(b, b.Relu(b.Apply("ConvTranspose", "up", [x, weight]))));
        (b, x) = Begin(N, 4, 8, 8);
        weight = b.Parameter("up.weight", Shape(4, 3, 2, 2), Initializer.Zeros, ParameterRole.Weight);
        string grouped = b.Apply("ConvTranspose", "up", [x, weight], NodeAttributes.Of(("group", 2L)));
        Assert.Equal((null, -1), Producer(b, b.Relu(grouped)));
    }

    [Fact]
    public void Is_missing_behind_attention_and_inputs()
    {
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        string q = b.Project(x, 4, Initializer.Zeros);
        Assert.Equal((null, -1), Producer(b, b.Relu(b.Attention(q, q, q, heads: 2, causal: true))));
        (b, x) = Begin(N, 5, 4);
        Assert.Equal((null, -1), Producer(b, b.Relu(x)));
    }

    // One node behind a Conv of six channels on [N, 3, 8, 8].
    private static (string? Weight, int Axis) Behind(string op, NodeAttributes? attributes, params Constant[] constants)
    {
        HostGraph graph = new()
        {
            Inputs = [Float("x", N, 3, 8, 8)],
            Parameters = [new Parameter("w", Shape(6, 3, 1, 1), Initializer.Zeros, ParameterRole.Weight)],
            Constants = [.. constants],
            Nodes =
            [
                Node("conv", "Conv", ["x", "w"], ["c"]),
                Node("node", op, ["c", .. constants.Select(constant => constant.Name)], ["y"], attributes),
            ],
            Outputs = ["y"],
        };
        LatticeSite site = Assert.Single(LatticeWrapping.Wrap(graph, ["y"], 1).Sites);
        return (site.Producer, site.ProducerAxis);
    }

    [Fact]
    public void Is_found_through_functions_and_normalisations()
    {
        Constant six = Constant.OfFloats("s", [6], new float[6]);
        Constant bias = Constant.OfFloats("b", [6], new float[6]);
        Constant scalar = Constant.OfFloats("s", [], [1]);
        Assert.Equal(("w", 0), Behind("Mish", null));
        Assert.Equal(("w", 0), Behind("Clip", null, scalar));
        Assert.Equal(("w", 0), Behind("PRelu", null, scalar));
        Assert.Equal(("w", 0), Behind("Max", null, scalar));
        Assert.Equal(("w", 0), Behind("GroupNormalization", NodeAttributes.Of(("num_groups", 2L)), six, bias));
        Assert.Equal(("w", 0), Behind("LRN", NodeAttributes.Of(("size", 3L))));
    }

    [Fact]
    public void Is_found_through_reductions_of_other_axes()
    {
        Constant positions = Constant.OfIntegers("axes", [2], [2, -1]);
        Constant channels = Constant.OfIntegers("axes", [1], [1]);
        Constant before = Constant.OfIntegers("axes", [1], [3]);
        NodeAttributes dropped = NodeAttributes.Of(("keepdims", 0L));
        Assert.Equal(("w", 0), Behind("ReduceMean", null, positions));
        Assert.Equal(("w", 0), Behind("ReduceMax", dropped, positions));
        Assert.Equal((null, -1), Behind("ReduceSum", null, channels));
        Assert.Equal((null, -1), Behind("ReduceL2", dropped, before)); // [N, 6, 8]: tokens, whose channels are positions here.
        Assert.Equal(("w", 0), Behind("ReduceSumSquare", NodeAttributes.Of(("noop_with_empty_axes", 1L))));
    }

    [Fact]
    public void Search_over_many_joins_takes_each_value_once()
    {
        // 2^60 paths lead through 60 joins of a value with itself; without a weight upstream all of them would be walked.
        (GraphBuilder b, string x) = Begin(N, 4);
        for (int i = 0; i < 60; i++)
        {
            x = b.Add(x, x);
        }

        Assert.Equal((null, -1), Producer(b, x));
    }

    [Fact]
    public void Of_a_matrix_product_with_a_bias_behind_normalisation_and_a_polynomial_activation()
    {
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        string product = b.MatMul(x, b.Parameter("w", [4, 6], Initializer.Ones, ParameterRole.Weight));
        string offset = b.Add(b.Parameter("b", [6], Initializer.Zeros, ParameterRole.Bias), product);
        Assert.Equal(("w", 1), Producer(b, HostShapes.PolynomialGelu(b, b.LayerNorm(offset))));
    }

    [Fact]
    public void Is_followed_through_a_transposed_weight()
    {
        // Linear layers of PyTorch in the order x W^T, the weight transposed where it is applied.
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        string w = b.Parameter("w", [6, 4], Initializer.Ones, ParameterRole.Weight);
        Assert.Equal(("w", 0), Producer(b, b.Relu(b.MatMul(x, b.Transpose(w, [1, 0])))));
    }

    [Fact]
    public void Of_a_matrix_product_from_the_left_is_the_left_weight()
    {
        // [6, 4] x [N, 4, 5] -> [N, 6, 5]: a convolution of width 1 as a product. Its channels are on axis 1.
        (GraphBuilder b, string x) = Begin(N, 4, 5);
        string y = b.MatMul(b.Parameter("w", [6, 4], Initializer.Ones, ParameterRole.Weight), x);
        LatticeSite site = Assert.Single(LatticeWrapping.Wrap(b.Build([y]), [y], 1).Sites);
        Assert.Equal(("w", 0, 6, 5L, SiteLayout.Nchw), (site.Producer, site.ProducerAxis, site.Channels, site.Positions, site.Layout));
    }

    [Fact]
    public void Survives_transposition_around_layer_normalisation()
    {
        // Channels last for the normalisation and back, as in ConvNeXt.
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string last = b.Transpose(b.Conv(x, 6, 3), [0, 2, 3, 1], "last");
        string normed = b.LayerNorm(last, name: "normed");
        string back = b.Transpose(normed, [0, 3, 1, 2], "back");
        HostGraph graph = b.Build([b.Relu(back, "relu")]);
        LatticeSite[] sites = [.. LatticeWrapping.Wrap(graph, ["last", "normed", "back", "relu"], 1).Sites];
        Assert.All(sites, site => Assert.Equal(("conv.weight", 0, 6, 36L), (site.Producer, site.ProducerAxis, site.Channels, site.Positions)));
        Assert.Equal([SiteLayout.Tokens, SiteLayout.Tokens, SiteLayout.Nchw, SiteLayout.Nchw], sites.Select(s => s.Layout));
    }

    [Theory]
    [InlineData("Slice")]
    [InlineData("Split")]
    [InlineData("Concat")]
    [InlineData("Gather")]
    public void Is_lost_where_channels_are_cut_joined_or_reordered(string op)
    {
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        string y = b.Project(x, 6, Initializer.Ones);
        Assert.Equal((null, -1), Producer(b, b.Relu(Rearranged(b, op, y, axis: 2))));
    }

    [Theory]
    [InlineData("Slice")]
    [InlineData("Split")]
    [InlineData("Concat")]
    [InlineData("Gather")]
    public void Is_kept_where_positions_are_cut_joined_or_reordered(string op)
    {
        (GraphBuilder b, string x) = Begin(N, 4, 4);
        string y = b.Project(x, 6, Initializer.Ones);
        Assert.Equal(("proj.weight", 1), Producer(b, b.Relu(Rearranged(b, op, y, axis: 1))));
    }

    [Fact]
    public void Is_kept_where_a_token_is_picked_and_where_positions_are_averaged()
    {
        (GraphBuilder b, string x) = Begin(N, 5, 4);
        string y = b.Project(x, 6, Initializer.Ones);
        string token = b.Gather(y, b.Constant(Constant.OfIntegers("zero", TensorShape.Scalar, [0])), axis: 1, "token");
        Assert.Equal("[N, 6]", b.TypeOf(token).Shape.ToString());
        string mean = b.Apply("ReduceMean", "mean", [y, b.Constant("axes", 1)], NodeAttributes.Of(("keepdims", 0L)));
        string ruined = b.Apply("ReduceMean", "ruined", [y, b.Constant("channels", -1)], NodeAttributes.Of(("keepdims", 0L)));
        HostGraph graph = b.Build([token, mean, ruined]);
        Assert.Equal(
            ["proj.weight", "proj.weight", null],
            LatticeWrapping.Wrap(graph, ["token", "mean", "ruined"], 1).Sites.Select(s => s.Producer));
    }

    [Fact]
    public void Of_a_join_is_that_of_the_branch_wherever_the_shortcut_stands()
    {
        (GraphBuilder b, string x) = Begin(N, 4);
        string stream = b.Linear(x, 4, name: "before");
        string joined = b.Add(stream, b.Linear(b.Relu(stream), 4, name: "branch"), "joined");
        Assert.Equal(("branch.weight", 0), Producer(b, joined));
        HostGraph transformer = HostShapes.Transformer();
        Assert.Equal(
            ["layer1.mix.weight", "layer1.shrink.weight", "layer2.mix.weight", "layer2.shrink.weight"],
            LatticeWrapping.Wrap(transformer, ["joins"], 1).Sites.Select(s => s.Producer));
    }

    [Fact]
    public void Of_a_gated_value_is_that_of_the_value_not_of_the_gate()
    {
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string y = b.Conv(x, 6, 3, name: "body");
        string gate = b.Apply("Sigmoid", "gate", [b.Conv(b.GlobalAveragePool(y), 6, 1, name: "squeeze")]);
        Assert.Equal(("body.weight", 0), Producer(b, b.Mul(gate, y)));
    }

    [Fact]
    public void A_pool_along_the_channels_is_not_followed()
    {
        // Channels last: the windows of the pooling lie over axes 2 and 3, of which the latter holds the channels.
        (GraphBuilder b, string x) = Begin(N, 3, 8, 8);
        string last = b.Transpose(b.Conv(x, 6, 3, padding: 1), [0, 2, 3, 1]);
        string pooled = b.MaxPool(last, 3, stride: 1, padding: 1);
        HostGraph graph = b.Build([b.Transpose(pooled, [0, 3, 1, 2], "back")]);
        Assert.Null(Assert.Single(LatticeWrapping.Wrap(graph, ["back"], 1).Sites).Producer);
    }

    private static string Rearranged(GraphBuilder b, string op, string y, long axis)
    {
        NodeAttributes along = NodeAttributes.Of(("axis", axis));
        return op switch
        {
            "Slice" => b.Apply("Slice", "part", [y, b.Constant("starts", 1), b.Constant("ends", 3), b.Constant("axes", axis - 3)]),
            "Split" => b.Split(y, 2, (int)axis)[1],
            "Concat" => b.Apply("Concat", "part", [y, b.Relu(y)], along),
            _ => b.Apply("Gather", "part", [y, b.Constant("order", 1, 0, 3, 2)], along),
        };
    }
}

using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

/// <summary>Shapes of windows, padding, selection and generation; the batch axis is what it was or refused.</summary>
public sealed class MovementShapeTests
{
    private const long Far = long.MaxValue;

    private static long[] L(params long[] values) => values;

    private static NodeAttributes With(params (string Name, AttributeValue Value)[] attributes) => NodeAttributes.Of(attributes);

    public static TheoryData<string, object?, object?[], string> Cases() => new()
    {
        { "ConvTranspose", null, [Shape(N, 4, 3, 5), Shape(4, 2, 3, 2), Shape(2)], "[N, 2, 5, 6]" },
        {
            "ConvTranspose",
            With(
                ("group", 2L), ("strides", L(2, 3)), ("dilations", L(2, 1)), ("output_padding", L(1, 2)),
                ("pads", L(1, 0, 2, 1))),
            [Shape(N, 4, 3, 2), Shape(4, 3, 3, 2), Shape(6)],
            "[N, 6, 7, 6]"
        },
        { "ConvTranspose", With(("strides", L(2)), ("output_shape", L(5))), [Shape(N, 2, 3), Shape(2, 2, 4)], "[N, 2, 5]" },
        { "ConvTranspose", With(("strides", L(2)), ("auto_pad", "SAME_LOWER")), [Shape(N, 2, 3), Shape(2, 2, 4)], "[N, 2, 6]" },
        { "Conv", With(("auto_pad", "SAME_LOWER"), ("strides", L(1, 2, 3))), [Shape(N, 2, 3, 4, 5), Shape(7, 2, 1, 2, 3)], "[N, 7, 3, 2, 2]" },
        { "MaxPool", With(("kernel_shape", L(2)), ("strides", L(3)), ("auto_pad", "VALID"), ("ceil_mode", 1L)), [Shape(N, 3, 6)], "[N, 3, 2]" },
        { "LpPool", With(("kernel_shape", L(2, 2)), ("pads", L(1, 0, 0, 1)), ("p", 3L)), [Shape(N, 3, 6, 5)], "[N, 3, 6, 5]" },
        { "GlobalMaxPool", null, [Shape(N, 3, 6, 5, 4)], "[N, 3, 1, 1, 1]" },
        { "GlobalLpPool", With(("p", 1L)), [Shape(N, 3, 6)], "[N, 3, 1]" },
        { "Einsum", With(("equation", "bij,bjk->bik")), [Shape(N, 2, 3), Shape(N, 3, 4)], "[N, 2, 4]" },
        { "Einsum", With(("equation", "...ij, ...jk")), [Shape(N, 5, 2, 3), Shape(1, 3, 4)], "[N, 5, 2, 4]" },
        { "Einsum", With(("equation", "bii->bi")), [Shape(N, 4, 4)], "[N, 4]" },
        { "Einsum", With(("equation", "nchw,ncvw->nhv")), [Shape(N, 2, 3, 4), Shape(N, 2, 5, 4)], "[N, 3, 5]" },
        { "Einsum", With(("equation", "b...->...b")), [Shape(N, 2, 3)], "[2, 3, N]" },
        { "Einsum", With(("equation", "ij,jk,kl->")), [Shape(2, 3), Shape(3, 4), Shape(4, 5)], "[]" },
        { "Pad", null, [Shape(N, 3, 4), L(0, 1, -1, 0, 2, 3)], "[N, 6, 6]" },
        { "Pad", With(("mode", "reflect")), [Shape(N, 3, 4), L(3, 2), null, L(-1)], "[N, 3, 9]" },
        { "Pad", With(("mode", "edge")), [Shape(N, 3, 1), L(3, 2), null, L(2)], "[N, 3, 6]" },
        { "Pad", With(("mode", "wrap")), [Shape(N, 4), L(3, -1), null, L(1)], "[N, 6]" },
        { "Expand", null, [Shape(N, 1, 3), L(2, 1, 5, 1)], "[2, N, 5, 3]" },
        { "Expand", null, [Shape(3, 1), L(1)], "[3, 1]" },
        { "Tile", null, [Shape(N, 3), L(2, 5)], "[N*2, 15]" },
        { "Slice", null, [Shape(N, 10), L(0, 2), L(Far, 4)], "[N, 2]" },
        { "Slice", null, [Shape(N, 10), L(0), L(int.MaxValue), L(0)], "[N, 10]" },
        { "Slice", null, [Shape(N, 10), L(-1), L(long.MinValue), L(0), L(-1)], "[N, 10]" },
        { "Slice", null, [Shape(N, 10), L(-1), L(-Far), L(1), L(long.MinValue)], "[N, 1]" },
        { "Slice", null, [Shape(N, 0), L(-1), L(-Far), L(1), L(-1)], "[N, 0]" },
        { "Gather", With(("axis", -2L)), [Shape(N, 9, 4), Int("", 2, 3)], "[N, 2, 3, 4]" },
        { "GatherElements", With(("axis", 1L)), [Shape(N, 9, 4), Int("", N, 12, 3)], "[N, 12, 3]" },
        { "GatherND", null, [Shape(5, 6, 4), Int("", N, 3, 2)], "[N, 3, 4]" },
        { "GatherND", With(("batch_dims", 1L)), [Shape(N, 6, 4), Int("", N, 3, 1)], "[N, 3, 4]" },
        { "ScatterElements", With(("axis", 1L), ("reduction", "add")), [Shape(N, 9), Int("", N, 12), Shape(N, 12)], "[N, 9]" },
        { "ScatterND", null, [Shape(N, 9, 4), Int("", 7, 2), Shape(7, 4)], "[N, 9, 4]" },
        { "Shape", With(("start", -2L)), [Shape(N, 9, 4)], "[2]" },
        { "Shape", With(("start", 1L), ("end", -1L)), [Shape(N, 9, 4, 3)], "[2]" },
        { "Size", null, [Shape(N, 9)], "[]" },
        { "ConstantOfShape", With(("value", 2.0), ("dtype", 7L)), [L(2, 0, 3)], "[2, 0, 3]" },
        { "Range", null, [L(2), L(9), L(3)], "[3]" },
        { "Range", null, [L(5), L(0), L(-2)], "[3]" },
        { "Range", null, [L(5), L(0), L(2)], "[0]" },
        { "EyeLike", With(("k", -1L)), [Shape(N, 4)], "[N, 4]" },
        { "OneHot", With(("axis", 1L)), [Int("", N, 5), L(7), Shape(2)], "[N, 7, 5]" },
        { "OneHot", null, [Int("", N, 5), L(7), Shape(2)], "[N, 5, 7]" },
        { "Trilu", With(("upper", 0L)), [Shape(N, 5, 5), L(-1)], "[N, 5, 5]" },
        { "CastLike", null, [Shape(N, 5), Int("", 1)], "[N, 5]" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Infers_the_output_shape(string op, object? attributes, object?[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands!);
        Assert.Empty(GraphValidator.Check(graph));
        Assert.Equal(expected, ShapeInference.Infer(graph)["y0"].Shape.ToString());
    }

    [Fact]
    public void Element_types_follow_the_operators()
    {
        ElementType Of(string op, NodeAttributes? attributes, params object[] operands) =>
            ShapeInference.Infer(Single(op, attributes, operands))["y0"].ElementType;
        Assert.Equal(ElementType.Int64, Of("Shape", null, Shape(N)));
        Assert.Equal(ElementType.Int64, Of("Size", null, Shape(N)));
        Assert.Equal(ElementType.Float32, Of("ConstantOfShape", null, L(2)));
        Assert.Equal(ElementType.Bool, Of("ConstantOfShape", With(("dtype", 9L)), L(2)));
        Assert.Equal(ElementType.Int64, Of("Range", null, L(0), L(2), L(1)));
        Assert.Equal(ElementType.Int64, Of("EyeLike", null, Int("", 2, 2)));
        Assert.Equal(ElementType.Float64, Of("EyeLike", With(("dtype", 11L)), Int("", 2, 2)));
        Assert.Equal(ElementType.Float32, Of("OneHot", null, Int("", 2), L(3), Shape(2)));
        Assert.Equal(ElementType.Int64, Of("CastLike", null, Shape(2), Int("", 1)));
        Assert.Equal(ElementType.Int64, Of("GatherND", null, Int("", 2, 2), Int("", 1, 1)));
    }

    // Reshapes and the like whose target the graph puts together from the shape of a value.
    [Fact]
    public void Targets_computed_from_shapes_keep_the_batch()
    {
        GraphBuilder b = new();
        string x = b.Input("x", ElementType.Float32, Shape(N, 6, 4));
        string shape = b.Apply("Shape", "shape", [x]);
        string Extent(long axis) => b.Apply("Gather", "extent", [shape, b.Constant($"axis{axis}", axis)]);
        string batch = Extent(0);
        string joined = b.Apply("Mul", "joined", [batch, Extent(1)]);
        string half = b.Apply("Div", "half", [Extent(2), b.Constant("two", 2)]);
        string target = b.Apply("Concat", "target", [joined, b.Constant("rest", -1), half], NodeAttributes.Of(("axis", 0L)));
        Assert.Equal("[N*6, 2, 2]", b.TypeOf(b.Apply("Reshape", "y", [x, target])).Shape.ToString());
        string token = b.Constant("token", [1, 1, 4], [1f, 2f, 3f, 4f]);
        string wide = b.Apply("Concat", "wide", [batch, b.Constant("ones", 1, 1)], NodeAttributes.Of(("axis", 0L)));
        Assert.Equal("[N, 1, 4]", b.TypeOf(b.Apply("Expand", "tokens", [token, wide])).Shape.ToString());
        Assert.Equal("[N, 1, 4]", b.TypeOf(b.Apply("Tile", "tiled", [token, wide])).Shape.ToString());
        Assert.Equal("[N, 1, 1]", b.TypeOf(b.Apply("ConstantOfShape", "zeros", [wide])).Shape.ToString());
        string scalar = b.Apply("Squeeze", "scalar", [batch]);
        string count = b.Apply("Range", "count", [b.Constant("zero", 0), scalar, b.Constant("one", 1)]);
        Assert.Equal("[N]", b.TypeOf(count).Shape.ToString());
        string all = b.Apply("Slice", "all", [x, b.Constant("start", 0), batch, b.Constant("first", 0)]);
        Assert.Equal("[N, 6, 4]", b.TypeOf(all).Shape.ToString());
        string size = b.Apply("Unsqueeze", "sizes", [b.Apply("Size", "size", [x]), b.Constant("front", 0)]);
        Assert.Equal("[N*24]", b.TypeOf(b.Apply("Reshape", "flat", [x, size])).Shape.ToString());
        string behind = b.Apply("Slice", "behind", [shape, b.Constant("from", 1), b.Constant("far", Far)]);
        Assert.Equal("[6, 4]", b.TypeOf(b.Apply("ConstantOfShape", "mask", [behind])).Shape.ToString());
        HostGraph graph = b.Build([all, count]);
        Assert.Equal("[3]", ShapeInference.Infer(graph, new Dictionary<string, TensorShape> { ["x"] = Shape(3, 6, 4) })[count].Shape.ToString());
    }

    [Fact]
    public void A_multiple_of_the_batch_comes_apart_into_batches()
    {
        GraphShapes halves = ShapeInference.Infer(
            Single("Split", NodeAttributes.Of(("axis", 0L)), [new GraphInput("", ElementType.Float32, [new Dimension(2, true), 3])], outputs: 2));
        Assert.Equal(["[N, 3]", "[N, 3]"], new[] { "y0", "y1" }.Select(y => halves[y].Shape.ToString()));
    }

    public static TheoryData<string, object?, object?[], string> Failures() => new()
    {
        { "ConvTranspose", null, [Shape(N, 4, 3), Shape(3, 2, 2)], "input [N, 4, 3] and weight [3, 2, 2] disagree about channels with group 1" },
        { "ConvTranspose", With(("output_padding", L(1))), [Shape(N, 4, 3), Shape(4, 2, 2)], "output_padding [1] must be smaller than the stride 1 or dilation 1" },
        { "ConvTranspose", With(("output_shape", L(9))), [Shape(N, 4, 3), Shape(4, 2, 2)], "spatial axis 0 of input [N, 4, 3] comes to 4 elements, which padding cannot make 9" },
        { "Conv", With(("auto_pad", "SAME")), [Shape(N, 4, 3), Shape(4, 4, 2)], "auto_pad 'SAME' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID" },
        { "Conv", null, [Shape(N, 4, 3, 3, 3, 3), Shape(4, 4, 1, 1, 1, 1)], "input [N, 4, 3, 3, 3, 3] has 4 spatial axes, 3 at most are supported" },
        { "MaxPool", With(("kernel_shape", L(2)), ("pads", L(2, 0))), [Shape(N, 4, 3)], "pads [2, 0] let a window of 2 lie in the padding alone" },
        { "LpPool", With(("kernel_shape", L(2)), ("p", 0L)), [Shape(N, 4, 3)], "p is 0, 1 or more is needed" },
        { "Einsum", With(("equation", "ij,jk->ik")), [Shape(N, 3), Shape(4, 5)], "'j' has the extents 3 and 4" },
        { "Einsum", With(("equation", "ij->ik")), [Shape(N, 3)], "equation 'ij->ik' names an output axis twice, or one that no input has" },
        { "Einsum", With(("equation", "ijk->i")), [Shape(N, 3)], "equation 'ijk->i' names 3 axes with 'ijk', its input has 2" },
        { "Einsum", With(("equation", "i1->i")), [Shape(N, 3)], "equation 'i1->i' may hold letters, ',', '->' and one '...' for each term" },
        { "Einsum", With(("equation", "ij->i")), [Shape(N, 3), Shape(3)], "equation 'ij->i' must name the axes of its 2 inputs, and those of the output behind one '->'" },
        { "Pad", null, [Shape(N, 3), L(1, 0, 0, 0)], "axis 0 of [N, 3] is the batch and cannot be padded" },
        { "Pad", With(("mode", "reflect")), [Shape(N, 3), L(0, 3, 0, 0)], "axis 1 of [N, 3] is too short for pads of 3 and 0 in mode reflect" },
        { "Pad", null, [Shape(N, 3), L(0, -4, 0, 0)], "axis 1 of [N, 3] is too short for pads of -4 and 0 in mode constant" },
        { "Pad", null, [Shape(N, 3), L(0, 0)], "pads [0, 0] must be two numbers for each of 2 different axes" },
        { "Pad", With(("mode", "mirror")), [Shape(N, 3), L(0, 1, 0, 0)], "mode 'mirror' is none of constant, reflect, edge, wrap" },
        { "Pad", null, [Shape(N, 3), L(0, 1, 0, 0), Shape()], "its value 'x2' Float32[] must be a constant of one element of Float32" },
        { "Expand", null, [Shape(N, 3), L(4, 3)], "shape [N, 3] does not broadcast with [4, 3]" },
        { "Expand", null, [Shape(N, 3), Int("", 2)], "its shape 'x1' must be an int64 constant" },
        { "Tile", null, [Shape(N, 3), L(1)], "its repeats [1] must be one number for each axis of [N, 3]" },
        { "Slice", null, [Shape(N, 6), L(0), L(-1)], "axis 0 of [N, 6] is the batch and cannot be sliced" },
        { "Slice", null, [Shape(N, 6), L(1), L(Far)], "axis 0 of [N, 6] is the batch and cannot be sliced" },
        { "Slice", null, [Shape(N, 6), L(0), L(Far), L(0), L(2)], "axis 0 of [N, 6] is the batch and cannot be sliced" },
        { "Split", null, [Shape(N, 6)], "axis 0 of [N, 6] is the batch and cannot be split" },
        { "GatherElements", null, [Shape(N, 6), Int("", N, 7)], "indices [N, 7] do not fit the data [N, 6] along axis 0" },
        { "GatherND", null, [Shape(N, 6), Int("", 2, 3)], "indices [2, 3] do not fit the data [N, 6] with batch_dims 0" },
        { "GatherND", With(("batch_dims", 1L)), [Shape(N, 6), Int("", 2, 1)], "data [N, 6] and indices [2, 1] differ in batch axis 0" },
        { "ScatterND", null, [Shape(4, 6), Int("", 2, 1), Shape(2, 5)], "its updates are Float32[2, 5], Float32[2, 6] is needed" },
        { "ScatterElements", With(("reduction", "max")), [Shape(4), Int("", 2), Shape(2)], "reduction 'max' is neither none nor add" },
        { "ConstantOfShape", null, [L(2, -1)], "its shape [2, -1] has a negative extent" },
        { "ConstantOfShape", With(("dtype", 5L)), [L(2)], "dtype = 5 is no element type; known: 1 (Float32), 2 (UInt8), 7 (Int64), 9 (Bool), 11 (Float64)" },
        { "Range", null, [L(0), L(2), L(0)], "a delta of 0 has no meaning" },
        { "Range", null, [L(0), L(2, 3), L(1)], "start, limit and delta must be single numbers of one type, 'x1' is Int64[2]" },
        { "EyeLike", null, [Shape(N)], "input [N] is no matrix" },
        { "OneHot", null, [Int("", N), L(0), Shape(2)], "its depth 'x1' must be one number, 1 or larger" },
        { "OneHot", null, [Int("", N), L(3), Shape(3)], "its values [3] must be two: off and on" },
        { "Trilu", null, [Shape(N)], "input [N] must be matrices, and k one number" },
        { "NonZero", null, [Shape(N)], "the shape of its result depends on its input's content, which host graphs cannot hold" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Names_node_operator_and_shapes(string op, object? attributes, object?[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands!, outputs: op == "Split" ? 2 : 1);
        GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(graph));
        Assert.Equal($"node 'node' ({op}): {expected}", failure.Message);
    }

    [Fact]
    public void MaxPool_gives_no_indices()
    {
        HostGraph graph = Single("MaxPool", NodeAttributes.Of(("kernel_shape", L(2))), [Shape(N, 1, 4)], outputs: 2);
        Assert.Equal("node 'node' (MaxPool): it has 2 outputs, 1 are allowed", GraphValidator.Check(graph)[0].ToString());
    }
}

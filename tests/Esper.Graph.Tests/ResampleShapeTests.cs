using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

/// <summary>Shapes of Resize, GridSample, DepthToSpace and SpaceToDepth.</summary>
public sealed class ResampleShapeTests
{
    private static long[] L(params long[] values) => values;

    private static float[] F(params float[] values) => values;

    private static NodeAttributes With(params (string Name, AttributeValue Value)[] attributes) => NodeAttributes.Of(attributes);

    public static TheoryData<string, object?, object?[], string> Cases() => new()
    {
        { "Resize", null, [Shape(N, 3, 4, 5), null, F(1, 1, 2, 0.5f)], "[N, 3, 8, 2]" },
        { "Resize", With(("mode", "linear")), [Shape(N, 3, 10), null, F(1, 1, 0.7f)], "[N, 3, 7]" },
        { "Resize", With(("mode", "cubic"), ("axes", L(-2, -1))), [Shape(N, 3, 4, 5), null, null, L(7, 5)], "[N, 3, 7, 5]" },
        { "Resize", With(("axes", L(2))), [Shape(N, 3, 4), F(), F(), L(9)], "[N, 3, 9]" },
        { "GridSample", null, [Shape(N, 3, 4, 5), Shape(N, 7, 9, 2)], "[N, 3, 7, 9]" },
        { "GridSample", With(("mode", "nearest")), [Shape(N, 3, 4, 5, 6), Shape(N, 7, 9, 2, 3)], "[N, 3, 7, 9, 2]" },
        { "DepthToSpace", With(("blocksize", 2L), ("mode", "CRD")), [Shape(N, 12, 4, 5)], "[N, 3, 8, 10]" },
        { "SpaceToDepth", With(("blocksize", 2L)), [Shape(N, 3, 8, 10)], "[N, 12, 4, 5]" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Infers_the_output_shape(string op, object? attributes, object?[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands!);
        Assert.Empty(GraphValidator.Check(graph));
        Assert.Equal(expected, ShapeInference.Infer(graph)["y0"].Shape.ToString());
    }

    // The sizes name all axes, the batch among them.
    [Fact]
    public void Sizes_computed_from_shapes_keep_the_batch()
    {
        GraphBuilder b = new();
        string x = b.Input("x", ElementType.Float32, Shape(N, 3, 4, 5));
        string shape = b.Apply("Shape", "shape", [x], NodeAttributes.Of(("end", 2L)));
        string sizes = b.Apply("Concat", "sizes", [shape, b.Constant("two", 8, 9)], NodeAttributes.Of(("axis", 0L)));
        Assert.Equal("[N, 3, 8, 9]", b.TypeOf(b.Apply("Resize", "y", [x, "", "", sizes])).Shape.ToString());
    }

    public static TheoryData<string, object?, object?[], string> Failures() => new()
    {
        { "Resize", With(("antialias", 1L)), [Shape(N, 3, 4), null, F(1, 1, 2)], "antialias other than 0 is not supported" },
        { "Resize", With(("mode", "area")), [Shape(N, 3, 4), null, F(1, 1, 2)], "mode 'area' is none of nearest, linear, cubic" },
        {
            "Resize", With(("coordinate_transformation_mode", "tf_crop_and_resize")), [Shape(N, 3, 4), null, F(1, 1, 2)],
            "coordinate_transformation_mode 'tf_crop_and_resize' is none of half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric"
        },
        { "Resize", null, [Shape(N, 3, 4)], "it needs either scales or sizes" },
        { "Resize", null, [Shape(N, 3, 4), null, F(1, 1, 2), L(1, 3, 8)], "it needs either scales or sizes" },
        { "Resize", null, [Shape(N, 3, 4), null, F(1, 2)], "it has 2 scales or sizes for 3 different axes of [N, 3, 4]" },
        { "Resize", null, [Shape(N, 3, 4), null, F(2, 1, 2)], "axis 0 of [N, 3, 4] is the batch or would become it, and cannot be resized" },
        { "Resize", null, [Shape(N, 3, 4), null, F(1, 1, 0.1f)], "axis 2 of [N, 3, 4] cannot be resized to 0" },
        { "Resize", null, [Shape(N, 3, 4), null, F(1, 1, -2)], "its scales [1, 1, -2] must be positive" },
        { "Resize", null, [Shape(N, 3, 4), null, Shape(3)], "its scales 'x2' must be a Float32 constant" },
        { "Resize", With(("mode", "linear")), [Int("", N, 3, 4), null, F(1, 1, 2)], "input 0 'x0' is Int64[N, 3, 4], a floating point tensor is needed" },
        {
            "GridSample", null, [Shape(N, 3, 4, 5), Shape(N, 7, 9, 3)],
            "input Float32[N, 3, 4, 5] and grid Float32[N, 7, 9, 3] must be [N, C, H, W] and [N, H', W', 2], or, but for cubic, [N, C, D, H, W] and [N, D', H', W', 3]"
        },
        { "DepthToSpace", With(("blocksize", 2L)), [Shape(N, 6, 4, 5)], "blocks of 2 x 2 do not divide the channels of [N, 6, 4, 5]" },
        { "DepthToSpace", With(("blocksize", 2L), ("mode", "RDC")), [Shape(N, 4, 4, 5)], "mode 'RDC' is neither DCR nor CRD" },
        { "SpaceToDepth", With(("blocksize", 2L)), [Shape(N, 6, 4, 5)], "blocks of 2 do not divide the positions of [N, 6, 4, 5]" },
        { "SpaceToDepth", With(("blocksize", 0L)), [Shape(N, 6, 4, 4)], "input [N, 6, 4, 4] must be [N, C, H, W] with fixed axes behind N, and its blocksize 0 1 or larger" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Names_node_operator_and_shapes(string op, object? attributes, object?[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands!);
        GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(graph));
        Assert.Equal($"node 'node' ({op}): {expected}", failure.Message);
    }
}

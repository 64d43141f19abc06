using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

/// <summary>Shapes, element types, costs and errors of functions, comparisons, reductions, normalisations and attention.</summary>
public sealed class MathOperatorTests
{
    private static GraphInput Of(ElementType type, params long[] extents) => new("", type, Shape(extents));

    private static GraphInput Truth(params long[] extents) => Of(ElementType.Bool, extents);

    private static NodeAttributes With(string name, AttributeValue value) => NodeAttributes.Of((name, value));

    // Expected type of the first output, element type in front.
    public static TheoryData<string, object?, object[], string> Cases() => new()
    {
        { "Abs", null, [Int("", N, 3)], "Int64[N, 3]" },
        { "Sign", null, [Of(ElementType.UInt8, 3)], "UInt8[3]" },
        { "Log", null, [Of(ElementType.Float64, N)], "Float64[N]" },
        { "IsNaN", null, [Shape(N, 3)], "Bool[N, 3]" },
        { "IsInf", With("detect_negative", 0L), [Of(ElementType.Float64)], "Bool[]" },
        { "Mod", null, [Int("", N, 3), Int("", 3)], "Int64[N, 3]" },
        { "Mod", With("fmod", 1L), [Shape(N, 1), Shape(3)], "Float32[N, 3]" },
        { "Clip", null, [Int("", N), new long[] { 0 }], "Int64[N]" },
        { "Clip", null, [Shape(N, 3), Shape(), Shape(1)], "Float32[N, 3]" },
        { "PRelu", null, [Shape(N, 3, 4), Shape(3, 1)], "Float32[N, 3, 4]" },
        { "Max", null, [Shape(N, 1, 4), Shape(3, 1), Shape()], "Float32[N, 3, 4]" },
        { "Min", null, [Int("", N)], "Int64[N]" },
        { "Sum", null, [Shape(N, 1), Shape(1, 3)], "Float32[N, 3]" },
        { "Mean", null, [Of(ElementType.Float64, N), Of(ElementType.Float64, 1)], "Float64[N]" },
        { "Equal", null, [Truth(N, 1), Truth(3)], "Bool[N, 3]" },
        { "Less", null, [Int("", N, 1), Int("", 3)], "Bool[N, 3]" },
        { "And", null, [Truth(N), Truth()], "Bool[N]" },
        { "Not", null, [Truth(N)], "Bool[N]" },
        { "BitwiseXor", null, [Int("", N, 1), Int("", 3)], "Int64[N, 3]" },
        { "BitwiseNot", null, [Of(ElementType.UInt8, N)], "UInt8[N]" },
        { "ReduceMax", null, [Truth(N, 3), new long[] { 1 }], "Bool[N, 1]" },
        { "ReduceMin", With("keepdims", 0L), [Of(ElementType.UInt8, N, 3, 4), new long[] { -2 }], "UInt8[N, 4]" },
        { "ReduceProd", null, [Int("", N, 3)], "Int64[1, 1]" },
        { "ReduceL2", With("noop_with_empty_axes", 1L), [Shape(N, 3)], "Float32[N, 3]" },
        { "ReduceLogSumExp", With("keepdims", 0L), [Shape(N, 3), new long[] { 1 }], "Float32[N]" },
        { "CumSum", With("reverse", 1L), [Shape(N, 3), new long[] { -1 }], "Float32[N, 3]" },
        { "ArgMax", null, [Shape(4, N)], "Int64[1, N]" },
        { "ArgMin", NodeAttributes.Of(("axis", -1L), ("keepdims", 0L)), [Shape(N, 3, 4)], "Int64[N, 3]" },
        { "Hardmax", With("axis", 0L), [Shape(N, 3)], "Float32[N, 3]" },
        { "TopK", With("axis", 1L), [Shape(N, 5, 2), new long[] { 3 }], "Float32[N, 3, 2]" },
        { "InstanceNormalization", null, [Shape(N, 3, 4), Shape(3), Shape(3)], "Float32[N, 3, 4]" },
        { "GroupNormalization", With("num_groups", 2L), [Shape(N, 4, 5, 5), Shape(4), Shape(4)], "Float32[N, 4, 5, 5]" },
        { "RMSNormalization", With("axis", 1L), [Shape(N, 3, 4), Shape(3, 1)], "Float32[N, 3, 4]" },
        { "LpNormalization", With("p", 1L), [Shape(N, 3)], "Float32[N, 3]" },
        { "LRN", With("size", 5L), [Shape(N, 3, 4, 4)], "Float32[N, 3, 4, 4]" },
        { "MeanVarianceNormalization", null, [Shape(N, 3, 4, 4)], "Float32[N, 3, 4, 4]" },
        { "NegativeLogLikelihoodLoss", null, [Shape(N, 10), Int("", N), Shape(10)], "Float32[]" },
        { "NegativeLogLikelihoodLoss", With("reduction", "none"), [Shape(N, 10, 7), Int("", N, 7)], "Float32[N, 7]" },
        { "Attention", null, [Shape(N, 8, 5, 6), Shape(N, 2, 9, 6), Shape(N, 2, 9, 7)], "Float32[N, 8, 5, 7]" },
        { "Attention", null, [Shape(N, 8, 5, 6), Shape(N, 2, 9, 6), Shape(N, 2, 9, 7), Truth(5, 9)], "Float32[N, 8, 5, 7]" },
        { "Attention", null, [Shape(N, 8, 5, 6), Shape(N, 2, 9, 6), Shape(N, 2, 9, 7), Shape(N, 1, 1, 3)], "Float32[N, 8, 5, 7]" },
        {
            "Attention", NodeAttributes.Of(("q_num_heads", 4L), ("kv_num_heads", 2L), ("softcap", 3.0), ("softmax_precision", 11L)),
            [Shape(N, 5, 24), Shape(N, 9, 12), Shape(N, 9, 14), Shape(5, 9)], "Float32[N, 5, 28]"
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Infers_type_and_shape(string op, object? attributes, object[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands);
        Assert.Empty(GraphValidator.Check(graph));
        Assert.Equal(expected, ShapeInference.Infer(graph)["y0"].ToString());
    }

    [Fact]
    public void Functions_of_one_tensor_keep_its_shape_and_take_floating_point_only()
    {
        foreach (string op in new[]
        {
            "Log", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Floor", "Ceil",
            "Round", "Reciprocal", "Softplus", "Softsign", "Mish", "Swish", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid",
            "Shrink", "Hardmax", "LpNormalization",
        })
        {
            Assert.Equal(Shape(N, 3), ShapeInference.Infer(Single(op, null, [Shape(N, 3)]))["y0"].Shape);
            GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(Single(op, null, [Int("", N)])));
            Assert.Equal($"node 'node' ({op}): input 0 'x0' is Int64[N], a floating point tensor is needed", failure.Message);
        }
    }

    [Fact]
    public void Second_outputs_have_their_own_types()
    {
        GraphShapes top = ShapeInference.Infer(Single("TopK", null, [Shape(N, 5), new long[] { 2 }], outputs: 2));
        Assert.Equal(["Float32[N, 2]", "Int64[N, 2]"], new[] { "y0", "y1" }.Select(y => top[y].ToString()));
        HostGraph loss = Single("SoftmaxCrossEntropyLoss", null, [Shape(N, 10, 3), Int("", N, 3)], outputs: 2);
        Assert.Empty(GraphValidator.Check(loss));
        Assert.Equal("Float32[N, 10, 3]", ShapeInference.Infer(loss)["y1"].ToString());
    }

    public static TheoryData<string, object?, object[], string> Failures() => new()
    {
        { "Abs", null, [Truth(N)], "input 0 'x0' is Bool[N], a tensor of Float32, Float64, Int64 or UInt8 is needed" },
        { "Mod", null, [Shape(N), Shape(N)], "input 0 'x0' is Float32[N], a tensor of Int64 or UInt8 is needed" },
        { "Max", null, [Shape(N), Shape(N), Int("", N)], "Float32[N] and Int64[N] differ in element type; put a Cast before one of them" },
        { "Max", null, [Shape(2), Shape(3)], "shapes [2] and [3] do not broadcast" },
        { "Sum", null, [Int("", N)], "input 0 'x0' is Int64[N], a tensor of Float32 or Float64 is needed" },
        { "Clip", null, [Shape(N, 2), Shape(2)], "its bound 'x1' is Float32[2], a scalar is needed" },
        { "Clip", null, [Shape(N), new long[] { 1 }], "Float32[N] and Int64[1] differ in element type; put a Cast before one of them" },
        { "PRelu", null, [Shape(3), Shape(2, 3)], "slope [2, 3] does not broadcast to the input [3]" },
        { "Less", null, [Truth(N), Truth(N)], "input 0 'x0' is Bool[N], a tensor of Float32, Float64, Int64 or UInt8 is needed" },
        { "Or", null, [Shape(N), Shape(N)], "input 0 'x0' is Float32[N], a tensor of Bool is needed" },
        { "ReduceL2", null, [Int("", N)], "input 0 'x0' is Int64[N], a tensor of Float32 or Float64 is needed" },
        { "ReduceMax", null, [Shape(N), new long[] { 1 }], "axis 1 is outside a tensor of 1 axes" },
        { "ReduceMax", null, [Shape(N), Int("", 1)], "its axes 'x1' must be an int64 constant" },
        { "CumSum", null, [Shape(N), new long[] { 0, 0 }], "its axis is [0, 0], one number is needed" },
        { "ArgMax", With("axis", 1L), [Shape(N, 0)], "axis 1 of [N, 0] has no elements" },
        { "TopK", null, [Shape(N, 3), new long[] { 4 }], "K = 4 exceeds axis 1 of [N, 3]" },
        { "TopK", With("axis", 0L), [Shape(N, 3), new long[] { 1 }], "axis 0 of [N, 3] is the batch and cannot be ranked" },
        { "TopK", null, [Shape(N, 3), new long[] { 1, 2 }], "its K is [1, 2], one number, 0 or larger, is needed" },
        { "GroupNormalization", With("num_groups", 3L), [Shape(N, 4), Shape(4), Shape(4)], "num_groups 3 does not divide the channels of the input [N, 4]" },
        { "InstanceNormalization", null, [Shape(N, 4, 2), Shape(4), Shape(3)], "input [N, 4, 2] and 'x2' [3] disagree about channels" },
        { "RMSNormalization", null, [Shape(N, 4), Shape(3)], "scale [3] does not broadcast to the input [N, 4]" },
        { "LpNormalization", With("p", 3L), [Shape(N)], "p 3 is neither 1 nor 2" },
        { "LRN", With("size", 0L), [Shape(N, 3)], "size 0 must be 1 or larger" },
        { "MeanVarianceNormalization", null, [Shape(N, 3, 4)], "axis 3 is outside a tensor of 3 axes" },
        { "LayerNormalization", null, [Shape(N, 3), Of(ElementType.Float64, 3)], "Float32[N, 3] and Float64[3] differ in element type; put a Cast before one of them" },
        { "NegativeLogLikelihoodLoss", null, [Shape(N, 3), Int("", N), Shape(2)], "scores [N, 3] and class weights [2] disagree about classes" },
        { "NegativeLogLikelihoodLoss", With("reduction", "max"), [Shape(N, 3), Int("", N)], "reduction 'max' is none of mean, sum, none" },
        { "SoftmaxCrossEntropyLoss", null, [Shape(N, 3), Int("", N), Int("", 3)], "input 2 'x2' is Int64[3], a tensor of Float32 is needed" },
        { "Attention", null, [Shape(N, 5, 24), Shape(N, 5, 24), Shape(N, 5, 24)], "q_num_heads 0 must be a positive multiple of kv_num_heads 0" },
        { "Attention", null, [Shape(N, 4), Shape(N, 4), Shape(N, 4)], "Q [N, 4], K [N, 4] and V [N, 4] must have 3 axes: batch, position, heads * head size; or 4: batch, head, position, head size" },
        { "Attention", null, [Shape(N, 4, 5, 6), Shape(N, 3, 5, 6), Shape(N, 3, 5, 6)], "Q [N, 4, 5, 6], K [N, 3, 5, 6] and V [N, 3, 5, 6]: K and V must have as many heads, Q a multiple of them, of one size with K" },
        { "Attention", With("q_num_heads", 2L), [Shape(N, 4, 5, 6), Shape(N, 4, 5, 6), Shape(N, 4, 5, 6)], "q_num_heads 2 contradicts Q [N, 4, 5, 6] and K [N, 4, 5, 6]" },
        { "Attention", null, [Shape(N, 4, 5, 6), Shape(N, 4, 7, 6), Shape(N, 4, 7, 6), Shape(5, 9)], "mask [5, 9] does not broadcast to the scores [N, 4, 5, 7]" },
        { "Attention", null, [Shape(N, 4, 5, 6), Shape(N, 4, 7, 6), Shape(N, 4, 7, 6), Int("", 5, 7)], "input 3 'x3' is Int64[5, 7], a tensor of Bool or Float32 is needed" },
        { "Attention", With("softcap", -1.0), [Shape(N, 4, 5, 6), Shape(N, 4, 7, 6), Shape(N, 4, 7, 6)], "softcap -1 must be 0 (none) or larger" },
        { "Attention", With("softmax_precision", 7L), [Shape(N, 4, 5, 6), Shape(N, 4, 7, 6), Shape(N, 4, 7, 6)], "softmax_precision 7 is neither 1 (Float32) nor 11 (Float64)" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Names_node_operator_and_expectation(string op, object? attributes, object[] operands, string expected)
    {
        HostGraph graph = Single(op, (NodeAttributes?)attributes, operands);
        GraphException failure = Assert.Throws<GraphException>(() => ShapeInference.Infer(graph));
        Assert.Equal($"node 'node' ({op}): {expected}", failure.Message);
    }

    [Fact]
    public void Outputs_that_are_not_made_are_refused()
    {
        Assert.Equal(
            "node 'node' (LayerNormalization): it has 2 outputs, 1 are allowed",
            Assert.Single(GraphValidator.Check(Single("LayerNormalization", null, [Shape(N, 3), Shape(3)], outputs: 2))).ToString());
        Assert.Equal(
            "node 'node' (Attention): it has 2 outputs, 1 are allowed",
            Assert.Single(GraphValidator.Check(
                Single("Attention", null, [Shape(N, 1, 2, 2), Shape(N, 1, 2, 2), Shape(N, 1, 2, 2)], outputs: 2))).ToString());
    }
}

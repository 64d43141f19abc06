using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

/// <summary>FLOPs of functions, comparisons, reductions, normalisations and attention as the table of <see cref="GraphCost"/> says.</summary>
public sealed class MathCostTests
{
    private static long Flops(string op, NodeAttributes? attributes, params object[] operands) =>
        GraphCost.Of(Single(op, attributes, operands)).ForwardFlops;

    [Theory]
    [InlineData("Abs", 1)]
    [InlineData("Erf", 1)]
    [InlineData("Atanh", 1)]
    [InlineData("Round", 1)]
    [InlineData("IsNaN", 1)]
    [InlineData("ThresholdedRelu", 1)]
    [InlineData("Softplus", 3)]
    [InlineData("Softsign", 3)]
    [InlineData("Shrink", 3)]
    [InlineData("LpNormalization", 3)]
    [InlineData("Selu", 4)]
    [InlineData("Celu", 4)]
    [InlineData("HardSigmoid", 4)]
    [InlineData("Mish", 5)]
    [InlineData("Swish", 5)]
    [InlineData("ReduceMax", 1)]
    [InlineData("ReduceProd", 1)]
    [InlineData("ReduceLogSum", 1)]
    [InlineData("ReduceL1", 2)]
    [InlineData("ReduceL2", 2)]
    [InlineData("ReduceSumSquare", 2)]
    [InlineData("ReduceLogSumExp", 4)]
    [InlineData("ArgMax", 1)]
    [InlineData("Hardmax", 1)]
    public void Operators_of_one_tensor_follow_the_table(string op, long each) =>
        Assert.Equal(each * 3 * 5, Flops(op, null, Shape(N, 3, 5)));

    [Fact]
    public void Operators_of_several_tensors_follow_the_table()
    {
        Assert.Equal(2 * 15, Flops("PRelu", null, Shape(N, 3, 5), Shape(5)));
        Assert.Equal(0, Flops("Clip", null, Shape(N, 15)));
        Assert.Equal(15, Flops("Clip", null, Shape(N, 15), Shape()));
        Assert.Equal(2 * 15, Flops("Clip", null, Shape(N, 15), Shape(), Shape()));
        Assert.Equal(2 * 15, Flops("Max", null, Shape(N, 3, 1), Shape(5), Shape()));
        Assert.Equal(0, Flops("Sum", null, Shape(N, 3)));
        Assert.Equal(3 * 15, Flops("Mean", null, Shape(N, 3, 1), Shape(5), Shape()));
        Assert.Equal(15, Flops("Greater", null, Shape(N, 3, 1), Shape(5)));
        Assert.Equal(0, Flops("And", null, new GraphInput("", ElementType.Bool, Shape(N)), new GraphInput("", ElementType.Bool, Shape(N))));
        Assert.Equal(15, Flops("CumSum", null, Shape(N, 15), new long[] { 1 }));
        Assert.Equal(15, Flops("TopK", null, Shape(N, 15), new long[] { 2 }));
    }

    [Fact]
    public void Normalisations_and_losses_follow_the_table()
    {
        Assert.Equal(7 * 12, Flops("InstanceNormalization", null, Shape(N, 4, 3), Shape(4), Shape(4)));
        Assert.Equal(7 * 12, Flops("GroupNormalization", NodeAttributes.Of(("num_groups", 2L)), Shape(N, 4, 3), Shape(4), Shape(4)));
        Assert.Equal(4 * 12, Flops("RMSNormalization", null, Shape(N, 4, 3), Shape(3)));
        Assert.Equal(9 * 12, Flops("LRN", NodeAttributes.Of(("size", 5L)), Shape(N, 4, 3)));
        Assert.Equal(5 * 24, Flops("MeanVarianceNormalization", null, Shape(N, 4, 3, 2)));
        Assert.Equal(2 * 7, Flops("NegativeLogLikelihoodLoss", null, Shape(N, 4, 7), Int("", N, 7)));
    }

    [Fact]
    public void Attention_counts_the_same_in_both_layouts_and_what_masks_and_softcaps_add()
    {
        // 4 query heads of size 6 over 9 keys; values of size 7 a head.
        long scores = 4 * 5 * 9;
        long plain = scores * ((2 * 6) + (2 * 7) + 6);
        object[] operands = [Shape(N, 4, 5, 6), Shape(N, 2, 9, 6), Shape(N, 2, 9, 7)];
        Assert.Equal(plain, Flops("Attention", null, operands));
        Assert.Equal(plain, Flops("Attention", null, [.. operands, new GraphInput("", ElementType.Bool, Shape(5, 9))]));
        Assert.Equal(plain + scores, Flops("Attention", null, [.. operands, Shape(5, 9)]));
        Assert.Equal(plain + (3 * scores), Flops("Attention", NodeAttributes.Of(("softcap", 2.0)), operands));
    }
}

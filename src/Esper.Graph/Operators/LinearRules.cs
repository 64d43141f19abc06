using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of matrix products.</summary>
internal static class LinearRules
{
    /// <summary>A [M, K], B [K, N], C broadcastable to [M, N] -> [M, N]; transA and transB swap the axes of A and B.</summary>
    public static ImmutableArray<TensorType> Gemm(RuleContext c)
    {
        TensorType a = c.Float(0);
        TensorShape b = c.Float(1).Shape;
        if (a.Shape.Rank != 2 || b.Rank != 2)
        {
            throw c.Fail($"shapes {a.Shape} and {b} must both have 2 axes");
        }

        bool transA = c.Attributes.Int("transA", 0) != 0;
        bool transB = c.Attributes.Int("transB", 0) != 0;
        if (a.Shape[transA ? 0 : 1] != b[transB ? 1 : 0])
        {
            throw c.Fail(
                $"shapes {a.Shape}{(transA ? " transposed" : "")} and {b}{(transB ? " transposed" : "")} do not multiply");
        }

        TensorShape result = [a.Shape[transA ? 1 : 0], b[transB ? 0 : 1]];
        if (c.Optional(2) is { } bias
            && !result.Equals(Shapes.Broadcast(result.Dimensions.AsSpan(), bias.Shape.Dimensions.AsSpan())))
        {
            throw c.Fail($"bias {bias.Shape} does not broadcast to the product {result}");
        }

        return RuleContext.One(a.ElementType, result);
    }

    /// <summary>NumPy's matmul: the last two axes multiply, those before them broadcast.</summary>
    public static ImmutableArray<TensorType> MatMul(RuleContext c)
    {
        TensorType left = c.Float(0);
        TensorShape a = left.Shape;
        TensorShape b = c.Float(1).Shape;
        if (a.Rank < 1 || b.Rank < 1 || a[^1] != b[b.Rank > 1 ? b.Rank - 2 : 0])
        {
            throw c.Fail($"shapes {a} and {b} do not multiply");
        }

        TensorShape batch = Shapes.Broadcast(
            a.Dimensions.AsSpan()[..Math.Max(0, a.Rank - 2)], b.Dimensions.AsSpan()[..Math.Max(0, b.Rank - 2)])
            ?? throw c.Fail($"the leading axes of shapes {a} and {b} do not broadcast");
        Dimension[] rows = a.Rank > 1 ? [a[^2]] : [];
        Dimension[] columns = b.Rank > 1 ? [b[^1]] : [];
        return RuleContext.One(left.ElementType, [.. batch, .. rows, .. columns]);
    }

    public static long GemmCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        long inner = c.Shape(0)[c.Attributes.Int("transA", 0) != 0 ? 0 : 1].Size;
        long elements = outputs[0].Shape.ElementsPerExample;
        return (2 * elements * inner) + (c.Optional(2) is null ? 0 : elements);
    }

    public static long MatMulCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        2 * outputs[0].Shape.ElementsPerExample * c.Shape(0)[^1].Size;
}

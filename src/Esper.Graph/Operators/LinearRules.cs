using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of matrix products and attention.</summary>
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

    /// <summary>
    /// Q [N, S, q_num_heads D], K [N, T, kv_num_heads D], V [N, T, kv_num_heads E] -> [N, S, q_num_heads E].
    /// </summary>
    public static ImmutableArray<TensorType> Attention(RuleContext c)
    {
        TensorType query = c.Float(0);
        TensorShape q = query.Shape;
        TensorShape k = c.Float(1).Shape;
        TensorShape v = c.Float(2).Shape;
        if (q.Rank != 3 || k.Rank != 3 || v.Rank != 3)
        {
            throw c.Fail($"Q {q}, K {k} and V {v} must have 3 axes: batch, position, heads * head size");
        }

        (long heads, long sharedHeads) = Heads(c);
        if (q[0] != k[0] || k[0] != v[0] || k[1] != v[1])
        {
            throw c.Fail($"Q {q}, K {k} and V {v} disagree about batch or positions");
        }

        if (q[2].Size % heads != 0 || k[2].Size % sharedHeads != 0 || v[2].Size % sharedHeads != 0
            || q[2].Size / heads != k[2].Size / sharedHeads)
        {
            throw c.Fail($"Q {q}, K {k} and V {v} do not split into {heads} and {sharedHeads} heads of one size");
        }

        return RuleContext.One(query.ElementType, [q[0], q[1], v[2].Size / sharedHeads * heads]);
    }

    public static long GemmCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        long inner = c.Shape(0)[c.Attributes.Int("transA", 0) != 0 ? 0 : 1].Size;
        long elements = outputs[0].Shape.ElementsPerExample;
        return (2 * elements * inner) + (c.Optional(2) is null ? 0 : elements);
    }

    public static long MatMulCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        2 * outputs[0].Shape.ElementsPerExample * c.Shape(0)[^1].Size;

    /// <summary>
    /// Both products and 6 FLOPs a score (scale 1, softmax 5). A causal mask hides scores but is not taken off: the count is that
    /// of the dense computation.
    /// </summary>
    public static long AttentionCost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        (long heads, long sharedHeads) = Heads(c);
        TensorShape q = c.Shape(0);
        TensorShape v = c.Shape(2);
        long scores = q[0].Size * heads * q[1].Size * v[1].Size;
        return scores * ((2 * (q[2].Size / heads)) + (2 * (v[2].Size / sharedHeads)) + 6);
    }

    private static (long Query, long Shared) Heads(RuleContext c)
    {
        long heads = c.Attributes.Int("q_num_heads", 0);
        long shared = c.Attributes.Int("kv_num_heads", 0);
        return heads >= 1 && shared >= 1 && heads % shared == 0
            ? (heads, shared)
            : throw c.Fail($"q_num_heads {heads} must be a positive multiple of kv_num_heads {shared}");
    }
}

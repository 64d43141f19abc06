using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shape and cost of Attention.</summary>
internal static class AttentionRules
{
    /// <summary>
    /// Q [N, S, q_num_heads D], K [N, T, kv_num_heads D], V [N, T, kv_num_heads E] -> [N, S, q_num_heads E]; or with heads as an
    /// axis Q [N, H, S, D], K [N, h, T, D], V [N, h, T, E] -> [N, H, S, E], h a divisor of H. Optionally a mask (Bool, or numbers
    /// to add) that broadcasts to the scores [N, H, S, T]; a last axis shorter than T hides the keys behind it.
    /// </summary>
    public static ImmutableArray<TensorType> Shape(RuleContext c)
    {
        TensorType query = c.Float(0);
        ElementType type = query.ElementType;
        Heads heads = HeadsOf(c);
        c.Typed(1, type);
        c.Typed(2, type);
        TensorShape scores = [heads.Batch, heads.Query, heads.Positions, heads.Keys];
        if (c.Optional(3) is { } mask)
        {
            c.Typed(3, ElementType.Bool, type);
            Dimension[] hidden = [.. mask.Shape.Dimensions];
            if (hidden.Length > 0 && !hidden[^1].IsDynamic && hidden[^1].Size < heads.Keys.Size)
            {
                hidden[^1] = heads.Keys;
            }

            if (!scores.Equals(Shapes.Broadcast(scores.Dimensions.AsSpan(), hidden)))
            {
                throw c.Fail($"mask {mask.Shape} does not broadcast to the scores {scores}");
            }
        }

        double softcap = c.Attributes.Float("softcap", 0);
        if (!(softcap >= 0))
        {
            throw c.Fail($"softcap {softcap} must be 0 (none) or larger");
        }

        long precision = c.Attributes.Int("softmax_precision", (int)type);
        if (precision is not ((int)ElementType.Float32 or (int)ElementType.Float64))
        {
            throw c.Fail($"softmax_precision {precision} is neither 1 (Float32) nor 11 (Float64)");
        }

        return RuleContext.One(
            type,
            query.Shape.Rank == 3
                ? [heads.Batch, heads.Positions, heads.Query * heads.ValueSize]
                : [heads.Batch, heads.Query, heads.Positions, heads.ValueSize]);
    }

    /// <summary>
    /// Both products and 6 FLOPs a score (scale 1, softmax 5), 1 more for a mask that is added and 3 more for a softcap. A causal
    /// mask hides scores but is not taken off: the count is that of the dense computation.
    /// </summary>
    public static long Cost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        Heads heads = HeadsOf(c);
        long scores = heads.Batch.Size * heads.Query * heads.Positions.Size * heads.Keys.Size;
        long mask = c.Optional(3) is { } added && added.ElementType != ElementType.Bool ? 1 : 0;
        long softcap = c.Attributes.Float("softcap", 0) > 0 ? 3 : 0;
        return scores * ((2 * heads.Size) + (2 * heads.ValueSize) + 6 + mask + softcap);
    }

    private static Heads HeadsOf(RuleContext c)
    {
        TensorShape q = c.Shape(0);
        TensorShape k = c.Shape(1);
        TensorShape v = c.Shape(2);
        if (q.Rank is not (3 or 4) || k.Rank != q.Rank || v.Rank != q.Rank)
        {
            throw c.Fail(
                $"Q {q}, K {k} and V {v} must have 3 axes: batch, position, heads * head size; or 4: batch, head, position, head size");
        }

        return q.Rank == 3 ? Folded(c, q, k, v) : Apart(c, q, k, v);
    }

    private static Heads Folded(RuleContext c, TensorShape q, TensorShape k, TensorShape v)
    {
        long heads = c.Attributes.Int("q_num_heads", 0);
        long shared = c.Attributes.Int("kv_num_heads", 0);
        if (!(heads >= 1 && shared >= 1 && heads % shared == 0))
        {
            throw c.Fail($"q_num_heads {heads} must be a positive multiple of kv_num_heads {shared}");
        }

        if (q[0] != k[0] || k[0] != v[0] || k[1] != v[1])
        {
            throw c.Fail($"Q {q}, K {k} and V {v} disagree about batch or positions");
        }

        if (q[2].Size % heads != 0 || k[2].Size % shared != 0 || v[2].Size % shared != 0
            || q[2].Size / heads != k[2].Size / shared)
        {
            throw c.Fail($"Q {q}, K {k} and V {v} do not split into {heads} and {shared} heads of one size");
        }

        return new Heads(q[0], heads, q[1], k[1], q[2].Size / heads, v[2].Size / shared);
    }

    private static Heads Apart(RuleContext c, TensorShape q, TensorShape k, TensorShape v)
    {
        if (q[0] != k[0] || k[0] != v[0] || k[2] != v[2])
        {
            throw c.Fail($"Q {q}, K {k} and V {v} disagree about batch or positions");
        }

        if (q[1].IsDynamic || k[1] != v[1] || k[1].IsDynamic || k[1].Size == 0 || q[1].Size % k[1].Size != 0 || q[3] != k[3])
        {
            throw c.Fail($"Q {q}, K {k} and V {v}: K and V must have as many heads, Q a multiple of them, of one size with K");
        }

        foreach ((string name, Dimension heads) in new[] { ("q_num_heads", q[1]), ("kv_num_heads", k[1]) })
        {
            if (c.Attributes.Find(name) is { } given && given.Int != heads.Size)
            {
                throw c.Fail($"{name} {given.Int} contradicts Q {q} and K {k}");
            }
        }

        return new Heads(q[0], q[1].Size, q[2], k[2], q[3].Size, v[3].Size);
    }

    private sealed record Heads(
        Dimension Batch, long Query, Dimension Positions, Dimension Keys, long Size, long ValueSize);
}

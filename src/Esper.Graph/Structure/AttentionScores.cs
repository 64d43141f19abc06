using System.Collections.Frozen;

namespace Esper.Graph;

/// <summary>
/// Values inside an attention softmax that a graph spells out: from the product of queries and keys, through scale, mask and softmax, to
/// the product with the values. Their axes are positions; a module there would mix what the softmax has to compare.
/// </summary>
internal static class AttentionScores
{
    private static readonly FrozenSet<string> Products = FrozenSet.ToFrozenSet(["MatMul", "Einsum"]);

    private static readonly FrozenSet<string> Moves = FrozenSet.ToFrozenSet(
        ["Identity", "Cast", "CastLike", "Dropout", "Trilu", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Slice", "Pad", "Concat"]);

    private static readonly FrozenSet<string> Arithmetic =
        FrozenSet.ToFrozenSet(["Add", "Sub", "Mul", "Div", "Where", "Clip", "Min", "Max", "Tanh", "Neg"]);

    /// <summary>Names of the values.</summary>
    public static HashSet<string> Find(GraphFlow flow)
    {
        HashSet<string> scores = new(StringComparer.Ordinal);
        foreach (Node softmax in flow.Graph.Nodes.Where(n => n is { Domain: "", Op: "Softmax" } && !flow.IsFixed(n.Outputs[0])))
        {
            if (ToProduct(flow, softmax.Outputs[0]) is { } behind)
            {
                scores.UnionWith(behind);
                AddBefore(flow, softmax.Inputs[0], scores);
            }
        }

        return scores;
    }

    // The values from a softmax to the products that read it; null if no product of two values that depend on the inputs does.
    private static HashSet<string>? ToProduct(GraphFlow flow, string softmax)
    {
        HashSet<string> values = new([softmax], StringComparer.Ordinal);
        Stack<string> open = new(values);
        bool found = false;
        while (open.TryPop(out string? value))
        {
            foreach (Node reader in flow.Graph.ConsumersOf(value).Where(n => n.Domain.Length == 0))
            {
                found |= IsProduct(flow, reader);
                bool scaled = Arithmetic.Contains(reader.Op) && reader.Inputs.All(i => i == value || i.Length == 0 || flow.IsFixed(i));
                if ((scaled || Moves.Contains(reader.Op)) && values.Add(reader.Outputs[0]))
                {
                    open.Push(reader.Outputs[0]);
                }
            }
        }

        return found ? values : null;
    }

    private static void AddBefore(GraphFlow flow, string value, HashSet<string> scores)
    {
        Stack<string> open = new([value]);
        while (open.TryPop(out string? next))
        {
            if (flow.IsFixed(next) || flow.Graph.ProducerOf(next) is not { Domain: "" } producer || !scores.Add(next))
            {
                continue;
            }

            foreach (string input in producer.Inputs.Where(i => i.Length > 0))
            {
                if (Arithmetic.Contains(producer.Op) || Moves.Contains(producer.Op))
                {
                    open.Push(input);
                }
            }
        }
    }

    private static bool IsProduct(GraphFlow flow, Node node) =>
        Products.Contains(node.Op) && node.Inputs.All(i => !flow.IsFixed(i));
}

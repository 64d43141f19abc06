using System.Collections.Immutable;
using System.Numerics;

namespace Esper.Graph;

/// <summary>
/// What a host spends on each of several values: the costs of the nodes that a value depends on. One pass over the graph for all values
/// together, with a bit for each: a walk of its own for each value would take nodes times values steps.
/// </summary>
internal static class IncomingCosts
{
    private const int Bits = 64;

    /// <summary>Sums the costs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="costs">Costs of its nodes, in graph order.</param>
    /// <param name="values">Values that nodes make.</param>
    /// <param name="sinceLast">Whether the way back ends at the others of the values, so that each node counts for the next ones only.</param>
    /// <returns>Forward FLOPs of an example and trained parameters for each value.</returns>
    public static (long Flops, long Parameters)[] Of(
        HostGraph graph, ImmutableArray<NodeCost> costs, IReadOnlyList<string> values, bool sinceLast)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        foreach (string value in values)
        {
            numbers.Add(value, numbers.Count);
        }

        (long Flops, long Parameters)[] sums = new (long, long)[values.Count];
        int words = (values.Count + Bits - 1) / Bits;

        // For each value that is read further down: which of the values it flows into.
        Dictionary<string, ulong[]> flows = new(StringComparer.Ordinal);
        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            ulong[] into = new ulong[words];
            foreach (string output in graph.Nodes[i].Outputs)
            {
                bool counted = numbers.TryGetValue(output, out int number);
                if (counted)
                {
                    into[number / Bits] |= 1UL << (number % Bits);
                }

                if (!(counted && sinceLast) && flows.Remove(output, out ulong[]? further))
                {
                    Unite(into, further);
                }
            }

            if (Array.TrueForAll(into, word => word == 0))
            {
                continue;
            }

            Add(sums, into, costs[i]);
            foreach (string input in graph.Nodes[i].Inputs.Where(name => name.Length > 0))
            {
                if (!flows.TryAdd(input, into))
                {
                    // The first reader's bits may be other values' too, so the union is a copy.
                    ulong[] both = [.. flows[input]];
                    Unite(both, into);
                    flows[input] = both;
                }
            }
        }

        return sums;
    }

    private static void Unite(ulong[] target, ulong[] other)
    {
        for (int word = 0; word < target.Length; word++)
        {
            target[word] |= other[word];
        }
    }

    private static void Add((long Flops, long Parameters)[] sums, ulong[] into, NodeCost cost)
    {
        for (int word = 0; word < into.Length; word++)
        {
            for (ulong bits = into[word]; bits != 0; bits &= bits - 1)
            {
                ref (long Flops, long Parameters) sum = ref sums[(word * Bits) + BitOperations.TrailingZeroCount(bits)];
                sum = (sum.Flops + cost.Flops, sum.Parameters + cost.Parameters);
            }
        }
    }
}

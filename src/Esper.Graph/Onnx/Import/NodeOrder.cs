using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Puts the nodes of a file in an order in which every value is made before it is read; well-formed files are in one.</summary>
internal static class NodeOrder
{
    /// <summary>The nodes in order, but for those that cannot be: in a cycle, or with inputs that nothing makes.</summary>
    public static ImmutableArray<OnnxNode> Sort(OnnxGraph graph, List<ImportProblem> problems)
    {
        Dictionary<string, int> makers = Makers(graph, problems);
        HashSet<string> given =
        [
            .. graph.Inputs.Select(input => input.Name), .. graph.Initializers.Select(tensor => tensor.Name), "",
        ];
        List<int>[] readers = [.. graph.Nodes.Select(_ => new List<int>())];
        int[] waiting = new int[graph.Nodes.Length];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            foreach (string input in NodeReads.Of(graph.Nodes[i]).Distinct(StringComparer.Ordinal).Where(input => !given.Contains(input)))
            {
                if (makers.TryGetValue(input, out int maker))
                {
                    readers[maker].Add(i);
                    waiting[i]++;
                }
                else
                {
                    problems.Add(new ImportProblem(
                        OnnxImporter.NameOf(graph.Nodes[i]),
                        OnnxImporter.Qualified(graph.Nodes[i]),
                        $"it reads '{input}', which is no input, no initializer and no node's output: is an initializer missing?"));
                    waiting[i] = int.MaxValue / 2;
                }
            }
        }

        return Ordered(graph, readers, waiting, problems);
    }

    private static ImmutableArray<OnnxNode> Ordered(OnnxGraph graph, List<int>[] readers, int[] waiting, List<ImportProblem> problems)
    {
        // The file's order is kept where it can be.
        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < waiting.Length; i++)
        {
            if (waiting[i] == 0)
            {
                ready.Enqueue(i, i);
            }
        }

        ImmutableArray<OnnxNode>.Builder order = ImmutableArray.CreateBuilder<OnnxNode>(waiting.Length);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(graph.Nodes[next]);
            foreach (int reader in readers[next])
            {
                if (--waiting[reader] == 0)
                {
                    ready.Enqueue(reader, reader);
                }
            }
        }

        int stuck = Array.FindIndex(waiting, count => count > 0);
        if (stuck >= 0 && problems.Count == 0)
        {
            OnnxNode node = graph.Nodes[stuck];
            problems.Add(new ImportProblem(
                OnnxImporter.NameOf(node), OnnxImporter.Qualified(node), "it stands in a cycle: what it reads depends on what it makes"));
        }

        return order.ToImmutable();
    }

    private static Dictionary<string, int> Makers(OnnxGraph graph, List<ImportProblem> problems)
    {
        Dictionary<string, int> makers = new(StringComparer.Ordinal);
        HashSet<string> given = [.. graph.Inputs.Select(input => input.Name), .. graph.Initializers.Select(tensor => tensor.Name)];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            foreach (string output in graph.Nodes[i].Outputs.Where(output => output.Length > 0))
            {
                if (given.Contains(output) || !makers.TryAdd(output, i))
                {
                    problems.Add(new ImportProblem(
                        OnnxImporter.NameOf(graph.Nodes[i]),
                        OnnxImporter.Qualified(graph.Nodes[i]),
                        $"it makes '{output}', which is another value's name too"));
                }
            }
        }

        return makers;
    }
}

/// <summary>What a node reads, graphs in its attributes included.</summary>
internal static class NodeReads
{
    public static IEnumerable<string> Of(OnnxNode node)
    {
        IEnumerable<OnnxGraph> inner = node.Attributes.Select(attribute => attribute.Graph).OfType<OnnxGraph>();
        return node.Inputs.Concat(inner.SelectMany(Outer));
    }

    // Names that a graph reads and does not make itself.
    private static IEnumerable<string> Outer(OnnxGraph graph)
    {
        HashSet<string> own =
        [
            .. graph.Nodes.SelectMany(node => node.Outputs), .. graph.Initializers.Select(tensor => tensor.Name),
            .. graph.Inputs.Select(input => input.Name), "",
        ];
        return graph.Nodes.SelectMany(Of).Concat(graph.Outputs.Select(output => output.Name)).Where(name => !own.Contains(name));
    }
}

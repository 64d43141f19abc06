using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Finds cycles among nodes.</summary>
internal static class GraphCycles
{
    /// <summary>Names of the nodes of one cycle, the first one repeated at the end; empty if there is none.</summary>
    public static ImmutableArray<string> Find(HostGraph graph)
    {
        // Depth-first along producers, with a stack of its own: graphs may be deeper than the thread's stack allows.
        Dictionary<Node, bool> finished = new(ReferenceEqualityComparer.Instance);
        foreach (Node root in graph.Nodes)
        {
            if (finished.ContainsKey(root))
            {
                continue;
            }

            Stack<(Node Node, IEnumerator<Node> Producers)> path = new();
            Enter(root);
            while (path.TryPeek(out (Node Node, IEnumerator<Node> Producers) top))
            {
                if (!top.Producers.MoveNext())
                {
                    finished[top.Node] = true;
                    path.Pop();
                }
                else if (!finished.TryGetValue(top.Producers.Current, out bool done))
                {
                    Enter(top.Producers.Current);
                }
                else if (!done)
                {
                    Node start = top.Producers.Current;
                    return
                    [
                        start.Name,
                        .. path.Select(p => p.Node).TakeWhile(n => !ReferenceEquals(n, start)).Select(n => n.Name),
                        start.Name,
                    ];
                }
            }

            void Enter(Node node)
            {
                finished[node] = false;
                path.Push((node, node.Inputs.Select(graph.ProducerOf).OfType<Node>().GetEnumerator()));
            }
        }

        return [];
    }
}

using System.Collections.Frozen;

namespace Esper.Graph;

/// <summary>
/// Residual joins: sums of values of one shape that come from one common ancestor, with a weight on a branch between. The shortcut may
/// be the ancestor itself or a projection of it. Sums without a weight between (the polynomial inside a GELU, a rotation of positions),
/// biases, embeddings of positions (fixed, or of another shape) and scores inside an attention softmax are none.
/// </summary>
internal sealed class ResidualJoins
{
    /// <summary>
    /// Operators looked at on the way back to a common ancestor before a sum counts as none. It keeps the search linear: no residual
    /// block is as long.
    /// </summary>
    private const int LongestBlock = 4096;

    private static readonly FrozenSet<string> Sums = FrozenSet.ToFrozenSet(["Add", "Sum"]);

    private readonly GraphFlow _flow;
    private readonly GraphShapes _shapes;
    private readonly Dictionary<string, int> _inputs = new(StringComparer.Ordinal);

    private ResidualJoins(GraphFlow flow, GraphShapes shapes)
    {
        _flow = flow;
        _shapes = shapes;
        foreach (GraphInput input in flow.Graph.Inputs)
        {
            // Inputs come before all nodes; node i is vertex i.
            _inputs.TryAdd(input.Name, -1 - _inputs.Count);
        }
    }

    /// <summary>The joins by the value that they make; each with its operands that are the common ancestor itself.</summary>
    public static Dictionary<string, string[]> Find(GraphFlow flow, GraphShapes shapes, IReadOnlySet<string> scores)
    {
        ResidualJoins search = new(flow, shapes);
        Dictionary<string, string[]> joins = new(StringComparer.Ordinal);
        foreach (Node node in flow.Graph.Nodes.Where(n => n.Domain.Length == 0 && Sums.Contains(n.Op)))
        {
            if (!scores.Contains(node.Outputs[0]) && search.IdentitiesOf(node) is { } identities)
            {
                joins[node.Outputs[0]] = identities;
            }
        }

        return joins;
    }

    // Walks back from the operands, the latest node first, until two of the walks meet: there is the nearest common ancestor.
    private string[]? IdentitiesOf(Node node)
    {
        TensorType type = _shapes[node.Outputs[0]];
        if (node.Inputs.Length is < 2 or > 30 || type.ElementType != ElementType.Float32
            || node.Inputs.Any(i => i.Length == 0 || _flow.IsFixed(i) || !_shapes[i].Equals(type)))
        {
            return null;
        }

        Walks walks = new();
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            walks.Reach(VertexOf(node.Inputs[i]), 1 << i);
        }

        bool weighted = false;
        for (int looked = 0; looked < LongestBlock && walks.MayMeet; looked++)
        {
            (int vertex, int operands) = walks.Next();
            if (int.PopCount(operands) > 1)
            {
                return weighted && IsFloat(vertex) ? [.. node.Inputs.Where(i => VertexOf(i) == vertex)] : null;
            }

            if (vertex >= 0)
            {
                weighted |= _flow.Weighs(vertex);
                foreach (string input in _flow.Graph.Nodes[vertex].Inputs.Where(i => i.Length > 0 && !_flow.IsFixed(i)))
                {
                    walks.Reach(VertexOf(input), operands);
                }
            }
        }

        return null;
    }

    private int VertexOf(string value) => _flow.NumberOf(value) is >= 0 and int number ? _flow.MakerOf(number) : _inputs[value];

    // Numbers of tokens have no gradient: two look-ups by the same numbers are embeddings, not a shortcut.
    private bool IsFloat(int vertex) =>
        (vertex >= 0 ? _shapes[_flow.NameOf(_flow.MadeBy(vertex)[0])].ElementType : _flow.Graph.Inputs[-1 - vertex].ElementType)
        == ElementType.Float32;

    /// <summary>The vertices still to be looked at, each with the operands that it was reached from as bits.</summary>
    private sealed class Walks
    {
        private readonly PriorityQueue<int, int> _open = new();
        private readonly Dictionary<int, int> _operands = [];
        private readonly Dictionary<int, int> _pending = [];

        /// <summary>Whether vertices of more than one operand are open.</summary>
        public bool MayMeet => _pending.Count > 1 || (_pending.Count == 1 && int.PopCount(_pending.Keys.First()) > 1);

        public void Reach(int vertex, int operands)
        {
            if (!_operands.TryGetValue(vertex, out int before))
            {
                _open.Enqueue(vertex, -vertex);
            }
            else
            {
                Forget(before);
            }

            _operands[vertex] = before | operands;
            _pending[before | operands] = _pending.GetValueOrDefault(before | operands) + 1;
        }

        public (int Vertex, int Operands) Next()
        {
            int vertex = _open.Dequeue();
            Forget(_operands[vertex]);
            return (vertex, _operands[vertex]);
        }

        private void Forget(int operands)
        {
            if (--_pending[operands] == 0)
            {
                _pending.Remove(operands);
            }
        }
    }
}

using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>
/// How numbers flow through a graph: which values depend on the graph's inputs, how many weights lie before and behind them, and which
/// of them all of the flow passes. Values that nodes make have numbers, so that walks need no look-ups; all of it takes time linear in
/// nodes and edges.
/// </summary>
internal sealed class GraphFlow
{
    // Only these mix channels by a weight; a parameter that is added or multiplied is an offset or a scale.
    private static readonly FrozenSet<string> WeightOperators = FrozenSet.ToFrozenSet(
        ["Conv", "ConvTranspose", "DeformConv", "Gemm", "MatMul", "Einsum", "Gather", "LSTM", "GRU", "RNN"]);

    // What they make tells extents alone, which no number of the input changes.
    private static readonly FrozenSet<string> Extents = FrozenSet.ToFrozenSet(["Shape", "Size", "EyeLike"]);

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly List<int> _makers = [];
    private readonly int[][] _reads;
    private readonly int[][] _makes;
    private readonly bool[] _weighs;
    private readonly HashSet<string> _fixed = new(StringComparer.Ordinal);
    private readonly int[] _depth;
    private readonly bool[] _leads;
    private readonly bool[] _weightAhead;
    private readonly bool[] _cuts;

    public GraphFlow(HostGraph graph)
    {
        Graph = graph;
        int count = graph.Nodes.Length;
        _reads = new int[count][];
        _makes = new int[count][];
        _weighs = new bool[count];
        HashSet<string> weights = [.. graph.Parameters.Where(p => p.Trained && p.Shape.Rank >= 2).Select(p => p.Name)];
        _fixed.UnionWith(graph.Parameters.Select(p => p.Name));
        _fixed.UnionWith(graph.Constants.Select(c => c.Name));
        for (int i = 0; i < count; i++)
        {
            Enter(i, weights);
        }

        _depth = Depths();
        (_leads, _weightAhead) = Ahead();
        _cuts = Cuts();
    }

    public HostGraph Graph { get; }

    /// <summary>Number of values that nodes make.</summary>
    public int ValueCount => _names.Count;

    public string NameOf(int value) => _names[value];

    /// <summary>Number of a value that a node makes; -1 for others.</summary>
    public int NumberOf(string value) => _numbers.GetValueOrDefault(value, -1);

    /// <summary>Place in the graph of the node that makes a value.</summary>
    public int MakerOf(int value) => _makers[value];

    /// <summary>Values that depend on inputs of the graph and that a node reads.</summary>
    public ReadOnlySpan<int> ReadsOf(int node) => _reads[node];

    /// <summary>Values that a node makes.</summary>
    public ReadOnlySpan<int> MadeBy(int node) => _makes[node];

    /// <summary>Whether a value is the same for all inputs: a parameter, a constant, or made of these alone.</summary>
    public bool IsFixed(string value) => _fixed.Contains(value);

    /// <summary>Whether a node applies a trained matrix, filter or table to something that depends on the inputs.</summary>
    public bool Weighs(int node) => _weighs[node];

    /// <summary>Most weights that a path from the inputs to a value passes.</summary>
    public int DepthOf(int value) => _depth[value];

    /// <summary>Whether the logits (where there are none, an output or the loss) depend on a value.</summary>
    public bool Leads(int value) => _leads[value];

    /// <summary>Whether a weight lies between a value and what it leads to.</summary>
    public bool HasWeightAhead(int value) => _weightAhead[value];

    /// <summary>
    /// Whether every path from the first weights to the end passes this value: nothing that carries features goes around it. Masks and
    /// positions, which no weight has touched, do not count.
    /// </summary>
    public bool IsCut(int value) => _cuts[value];

    private void Enter(int index, HashSet<string> weights)
    {
        Node node = Graph.Nodes[index];
        bool moving = false;
        bool weighted = false;
        List<int> reads = new(node.Inputs.Length);
        foreach (string input in node.Inputs.Where(i => i.Length > 0))
        {
            moving |= !_fixed.Contains(input);
            weighted |= weights.Contains(input);
            if (_numbers.TryGetValue(input, out int number) && !_fixed.Contains(input))
            {
                reads.Add(number);
            }
        }

        moving &= !Extents.Contains(node.Op);
        _reads[index] = moving ? [.. reads] : [];
        _weighs[index] = moving && weighted && WeightOperators.Contains(node.Op);
        List<int> makes = new(node.Outputs.Length);
        foreach (string output in node.Outputs.Where(o => o.Length > 0))
        {
            makes.Add(_names.Count);
            _numbers.TryAdd(output, _names.Count);
            _names.Add(output);
            _makers.Add(index);
            if (!moving)
            {
                _fixed.Add(output);
                if (weighted)
                {
                    // A weight that is transposed or converted before it is applied.
                    weights.Add(output);
                }
            }
        }

        _makes[index] = [.. makes];
    }

    private int[] Depths()
    {
        int[] depth = new int[_names.Count];
        for (int i = 0; i < _reads.Length; i++)
        {
            int most = _weighs[i] ? 1 : 0;
            foreach (int read in _reads[i])
            {
                most = Math.Max(most, depth[read] + (_weighs[i] ? 1 : 0));
            }

            foreach (int made in _makes[i])
            {
                depth[made] = most;
            }
        }

        return depth;
    }

    private (bool[] Leads, bool[] WeightAhead) Ahead()
    {
        bool[] leads = new bool[_names.Count];
        bool[] weight = new bool[_names.Count];
        foreach (string end in Ends().Where(_numbers.ContainsKey))
        {
            leads[_numbers[end]] = true;
        }

        for (int i = _reads.Length - 1; i >= 0; i--)
        {
            bool leading = _makes[i].Any(made => leads[made]);
            bool weighted = _makes[i].Any(made => weight[made]) || (_weighs[i] && leading);
            foreach (int read in _reads[i])
            {
                leads[read] |= leading;
                weight[read] |= weighted;
            }
        }

        return (leads, weight);
    }

    private ImmutableArray<string> Ends() =>
        Graph.Logits is { } logits ? [logits] : Graph.Loss is { } loss ? Graph.Outputs.Add(loss) : Graph.Outputs;

    // A value is a cut if, once it is made, no other value that carries features still waits for a reader, and all first weights have
    // been applied: what comes from a later one has gone around the value.
    private bool[] Cuts()
    {
        int[] lastReader = new int[_names.Count];
        for (int i = 0; i < _reads.Length; i++)
        {
            if (_makes[i].Any(made => _leads[made]))
            {
                foreach (int read in _reads[i])
                {
                    lastReader[read] = i;
                }
            }
        }

        foreach (string end in Ends().Where(_numbers.ContainsKey))
        {
            lastReader[_numbers[end]] = _reads.Length;
        }

        int[] change = new int[_reads.Length + 1];
        for (int value = 0; value < lastReader.Length; value++)
        {
            if (Carries(value) && lastReader[value] > _makers[value])
            {
                change[_makers[value]]++;
                change[lastReader[value]]--;
                int maker = _makers[value];
                if (!Array.Exists(_reads[maker], read => _depth[read] > 0))
                {
                    change[0]++;
                    change[maker]--;
                }
            }
        }

        int waiting = 0;
        int[] live = [.. change.Select(c => waiting += c)];
        return [.. Enumerable.Range(0, _names.Count).Select(value =>
            Carries(value) && lastReader[value] > _makers[value] && live[_makers[value]] == 1)];
    }

    private bool Carries(int value) => _leads[value] && _depth[value] > 0 && !_fixed.Contains(_names[value]);
}

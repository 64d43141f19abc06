using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Chooses sites one by one such that between any two of them lies something trainable.</summary>
internal sealed class SiteChoice(GraphStructure structure, IReadOnlySet<string> excluded)
{
    private readonly GraphFlow _flow = structure.Flow;
    private readonly bool[] _banned = new bool[structure.Flow.ValueCount];
    private readonly List<int> _chosen = [];

    /// <summary>
    /// Chooses by structure: the last site of each stage first, then other residual joins and block outputs, then other values that a
    /// weight reads; within each of these the deepest one first, and then always the one that is farthest (in weights on the way) from
    /// those chosen.
    /// </summary>
    /// <returns>Names in graph order; fewer than <paramref name="count"/> where the graph has no more.</returns>
    public ImmutableArray<string> Spread(int count)
    {
        foreach (IEnumerable<int> pool in Pools())
        {
            TakeFarthest([.. pool], count);
        }

        return Chosen();
    }

    /// <summary>Chooses by a score, the highest first; of equal ones the earlier value.</summary>
    /// <returns>Names in graph order; fewer than <paramref name="count"/> where there are no more that something trainable separates.</returns>
    public ImmutableArray<string> Best(IReadOnlyDictionary<string, double> scores, int count)
    {
        foreach ((string name, _) in scores.OrderByDescending(s => s.Value).ThenBy(s => _flow.NumberOf(s.Key)))
        {
            if (_chosen.Count < count && IsFree(_flow.NumberOf(name)))
            {
                Take(_flow.NumberOf(name));
            }
        }

        return Chosen();
    }

    /// <summary>The values that <see cref="Best"/> should have scores of: the main line, and where it is too short everything else too.</summary>
    public ImmutableArray<string> Measurable(int count)
    {
        ImmutableArray<string> main = [.. structure.Main.Select(site => site.Name).Where(name => !excluded.Contains(name))];
        return main.Length >= count
            ? main
            : [.. Pools().SelectMany(pool => pool).Where(IsFree).Distinct().Order().Select(_flow.NameOf)];
    }

    private ImmutableArray<string> Chosen() => [.. _chosen.Order().Select(_flow.NameOf)];

    private IEnumerable<IEnumerable<int>> Pools() =>
    [
        MainSites.StageEnds(structure.Main).Select(site => site.Value),
        structure.Main.Select(site => site.Value),
        structure.Inner.Where(value => _flow.Graph.ConsumersOf(_flow.NameOf(value)).Any(Weighs)),
    ];

    private bool Weighs(Node node) => node.Outputs.Any(o => _flow.NumberOf(o) is >= 0 and int made && _flow.Weighs(_flow.MakerOf(made)));

    private bool IsFree(int value) => !_banned[value] && !excluded.Contains(_flow.NameOf(value));

    private void TakeFarthest(int[] pool, int count)
    {
        int[] distances = [.. pool.Select(value => _chosen.Select(c => Distance(value, c)).DefaultIfEmpty(int.MaxValue).Min())];
        while (_chosen.Count < count)
        {
            int best = -1;
            for (int i = 0; i < pool.Length; i++)
            {
                if (IsFree(pool[i]) && (best < 0 || Precedes((distances[i], pool[i]), (distances[best], pool[best]))))
                {
                    best = i;
                }
            }

            if (best < 0)
            {
                return;
            }

            Take(pool[best]);
            for (int i = 0; i < pool.Length; i++)
            {
                distances[i] = Math.Min(distances[i], Distance(pool[i], pool[best]));
            }
        }
    }

    // Farther, then one that the whole flow passes, then deeper, then later.
    private bool Precedes((int Distance, int Value) left, (int Distance, int Value) right) =>
        Rank(left).CompareTo(Rank(right)) > 0;

    private (int Distance, bool Cut, int Depth, int Value) Rank((int Distance, int Value) one) =>
        (one.Distance, _flow.IsCut(one.Value), _flow.DepthOf(one.Value), one.Value);

    private int Distance(int left, int right) => Math.Abs(_flow.DepthOf(left) - _flow.DepthOf(right));

    private void Take(int value)
    {
        _chosen.Add(value);
        _banned[value] = true;
        BanBehind(value);
        BanBefore(value);
    }

    // 1: reached without a weight on any path. 2: a weight lies on one.
    private void BanBehind(int value)
    {
        byte[] reach = new byte[_flow.ValueCount];
        reach[value] = 1;
        for (int node = _flow.MakerOf(value) + 1; node < _flow.Graph.Nodes.Length; node++)
        {
            byte most = 0;
            foreach (int read in _flow.ReadsOf(node))
            {
                most = Math.Max(most, reach[read]);
            }

            foreach (int made in _flow.MadeBy(node))
            {
                reach[made] = most == 0 ? most : _flow.Weighs(node) ? (byte)2 : most;
                _banned[made] |= reach[made] == 1;
            }
        }
    }

    private void BanBefore(int value)
    {
        byte[] reach = new byte[_flow.ValueCount];
        reach[value] = 1;
        for (int node = _flow.MakerOf(value); node >= 0; node--)
        {
            byte most = 0;
            foreach (int made in _flow.MadeBy(node))
            {
                most = Math.Max(most, reach[made]);
                _banned[made] |= reach[made] == 1;
            }

            foreach (int read in _flow.ReadsOf(node))
            {
                reach[read] = Math.Max(reach[read], most == 0 ? most : _flow.Weighs(node) ? (byte)2 : most);
            }
        }
    }
}

namespace Esper.Tamiyo.Selection;

/// <summary>
/// Successive halving (Karnin, Koren, Somekh 2013): every arm of a rung is pulled equally often, then the better half, rounded up, goes
/// on to a rung with twice the pulls, until one is left. It judges a fixed cohort: nothing fades.
/// </summary>
public sealed class SuccessiveHalving : ISelectionStrategy
{
    private readonly int _rungPulls;
    private ArmSet _arms = new(1, 0);
    private int[] _alive = [];
    private int[] _settled = [];
    private int[] _pending = [];
    private double[] _sum = [];
    private int _aliveCount;
    private int _rung;
    private int _target;

    /// <summary>Creates the strategy.</summary>
    public SuccessiveHalving(SelectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _rungPulls = options.RungPulls;
    }

    /// <inheritdoc/>
    public string Name => "halving";

    /// <inheritdoc/>
    public bool IsContextual => false;

    /// <summary>The arms still in the running, in order.</summary>
    public ReadOnlySpan<int> Alive => _alive.AsSpan(0, _aliveCount);

    /// <summary>How many of <paramref name="count"/> go on to the next rung: the half, rounded up.</summary>
    public static int Survivors(int count) => (count + 1) / 2;

    /// <summary>
    /// Moves the members with the highest values to the front, in their old order; equal values go by that order.
    /// </summary>
    /// <param name="members">The members of a rung.</param>
    /// <param name="keep">How many to keep.</param>
    /// <param name="value">Value of a member.</param>
    public static void Keep(Span<int> members, int keep, Func<int, double> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        int[] order = [.. members];
        int[] rank = [.. Enumerable.Range(0, order.Length)];
        Array.Sort(rank, (a, b) => value(order[b]).CompareTo(value(order[a])) is not 0 and var by ? by : a.CompareTo(b));
        Array.Sort(rank, 0, keep);
        for (int i = 0; i < order.Length; i++)
        {
            members[i] = order[rank[i]];
        }
    }

    /// <inheritdoc/>
    public void Begin(ArmSet arms)
    {
        ArgumentNullException.ThrowIfNull(arms);
        _arms = arms;
        _alive = [.. Enumerable.Range(0, arms.Count)];
        (_settled, _pending, _sum) = (new int[arms.Count], new int[arms.Count], new double[arms.Count]);
        (_aliveCount, _rung, _target) = (arms.Count, 0, _rungPulls);
    }

    /// <inheritdoc/>
    public void Advance(double periods)
    {
    }

    /// <inheritdoc/>
    public void Pull(int arm, ReadOnlySpan<double> features)
    {
        if (arm >= 0)
        {
            _pending[arm]++;
        }
    }

    /// <inheritdoc/>
    public void Settle(int arm, ReadOnlySpan<double> features, double reward)
    {
        if (arm < 0)
        {
            return;
        }

        _pending[arm]--;
        _settled[arm]++;
        _sum[arm] += reward;
        while (_aliveCount > 1 && RungIsDone())
        {
            Keep(_alive.AsSpan(0, _aliveCount), Survivors(_aliveCount), member => _arms.Value(member, _sum[member] / _settled[member]));
            _aliveCount = Survivors(_aliveCount);
            _rung++;
            _target += _rungPulls << Math.Min(_rung, 20);
        }
    }

    /// <inheritdoc/>
    public Choice Select(ulong key)
    {
        int best = -1;
        foreach (int arm in Alive)
        {
            if (_arms.IsEligible(arm) && (best < 0 || _settled[arm] + _pending[arm] < _settled[best] + _pending[best]))
            {
                best = arm;
            }
        }

        return best < 0 ? Choice.None
            : new Choice(best, _settled[best] == 0 ? double.PositiveInfinity : _arms.Value(best, _sum[best] / _settled[best]));
    }

    private bool RungIsDone()
    {
        foreach (int arm in Alive)
        {
            if (_settled[arm] < _target)
            {
                return false;
            }
        }

        return true;
    }
}

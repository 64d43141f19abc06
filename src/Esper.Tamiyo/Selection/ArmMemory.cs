namespace Esper.Tamiyo.Selection;

/// <summary>What is known of each arm by itself: weighted count, sum and sum of squares of its rewards, and its pulls under way.</summary>
internal sealed class ArmMemory(SelectionOptions options)
{
    /// <summary>A discounted count below which an arm is as good as never tried.</summary>
    private const double Forgotten = 1e-9;

    private readonly RewardLog _log = new(options.Discount, options.Window, 0);
    private double[] _weight = [];
    private double[] _sum = [];
    private double[] _squares = [];
    private double[] _pending = [];
    private double _totalWeight;
    private double _totalPending;

    public double Scale => _log.Scale;

    /// <summary>Discounted number of all pulls, those under way included.</summary>
    public double TotalPulls => (_totalWeight * Scale) + _totalPending;

    // Stored sums, to be multiplied by Scale; padded to whole vectors.
    public ReadOnlySpan<double> Weights => _weight;

    public ReadOnlySpan<double> Sums => _sum;

    public ReadOnlySpan<double> Squares => _squares;

    public ReadOnlySpan<double> PendingPulls => _pending;

    public double Weight(int arm) => _weight[arm] * Scale;

    public double Sum(int arm) => _sum[arm] * Scale;

    public double SumOfSquares(int arm) => _squares[arm] * Scale;

    public double Pending(int arm) => _pending[arm];

    public void Begin(ArmSet arms)
    {
        if (_weight.Length != arms.Stride)
        {
            (_weight, _sum) = (new double[arms.Stride], new double[arms.Stride]);
            (_squares, _pending) = (new double[arms.Stride], new double[arms.Stride]);
        }

        Array.Clear(_weight);
        Array.Clear(_sum);
        Array.Clear(_squares);
        Array.Clear(_pending);
        (_totalWeight, _totalPending) = (0, 0);
        _log.Clear();
    }

    public void Advance(double periods)
    {
        _log.Advance(periods);
        while (_log.TryExpire(out RewardLog.Entry entry, out _))
        {
            Add(entry.Arm, entry.Reward, -entry.Weight);
        }

        if (_log.NeedsRebase)
        {
            Rebase();
        }
    }

    public void Pull(int arm)
    {
        if (arm >= 0)
        {
            _pending[arm]++;
            _totalPending++;
        }
    }

    public void Settle(int arm, double reward)
    {
        if (arm < 0)
        {
            return;
        }

        if (_pending[arm] < 1 || !double.IsFinite(reward))
        {
            throw new InvalidOperationException($"Arm {arm} has no pull under way, or its reward {reward} is not finite.");
        }

        _pending[arm]--;
        _totalPending--;
        _log.Add(arm, [], reward);
        Add(arm, reward, _log.EntryWeight);
    }

    private void Add(int arm, double reward, double weight)
    {
        _weight[arm] += weight;
        _sum[arm] += weight * reward;
        _squares[arm] += weight * reward * reward;
        _totalWeight += weight;
        if (_weight[arm] * Scale < Forgotten)
        {
            // Expired to the last reward: nothing but rounding is left.
            _totalWeight -= _weight[arm];
            (_weight[arm], _sum[arm], _squares[arm]) = (0, 0, 0);
        }
    }

    private void Rebase()
    {
        double scale = Scale;
        for (int arm = 0; arm < _weight.Length; arm++)
        {
            (_weight[arm], _sum[arm], _squares[arm]) = (_weight[arm] * scale, _sum[arm] * scale, _squares[arm] * scale);
        }

        _totalWeight *= scale;
        _log.Rebased();
    }
}

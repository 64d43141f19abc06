namespace Esper.Tamiyo.Selection;

/// <summary>
/// Ridge regression of rewards on features, A theta = b with A = ridge I + sum w x x' and b = sum w r x, and the same with pulls under way
/// counted in A: they make the estimate no different, but surer.
/// </summary>
internal sealed class LinearMemory(SelectionOptions options)
{
    private RewardLog _log = new(options.Discount, options.Window, 0);
    private double[] _moments = [];
    private double[] _pending = [];
    private double[] _cross = [];
    private double[] _work = [];
    private bool _stale = true;

    /// <summary>Number of features.</summary>
    public int Dimension { get; private set; }

    /// <summary>The coefficients.</summary>
    public double[] Theta { get; private set; } = [];

    /// <summary>Inverse of the lower Cholesky factor of A, pulls under way included; row-major, zeros above the diagonal.</summary>
    public double[] InverseFactor { get; private set; } = [];

    public void Begin(int dimension)
    {
        if (dimension != Dimension)
        {
            Dimension = dimension;
            int square = dimension * dimension;
            (_moments, _pending, _work) = (new double[square], new double[square], new double[square]);
            (_cross, Theta, InverseFactor) = (new double[dimension], new double[dimension], new double[square]);
            _log = new RewardLog(options.Discount, options.Window, dimension);
        }

        Array.Clear(_moments);
        Array.Clear(_pending);
        Array.Clear(_cross);
        _log.Clear();
        _stale = true;
    }

    public void Advance(double periods)
    {
        _log.Advance(periods);
        while (_log.TryExpire(out RewardLog.Entry entry, out ReadOnlySpan<double> features))
        {
            Add(features, entry.Reward, -entry.Weight);
        }

        if (_log.NeedsRebase)
        {
            Scale(_moments, _log.Scale);
            Scale(_cross, _log.Scale);
            _log.Rebased();
        }

        _stale = true;
    }

    public void Pull(ReadOnlySpan<double> features)
    {
        AddOuter(_pending, Checked(features), 1);
        _stale = true;
    }

    public void Settle(ReadOnlySpan<double> features, double reward)
    {
        if (!double.IsFinite(reward))
        {
            throw new InvalidOperationException($"The reward {reward} is not finite.");
        }

        AddOuter(_pending, Checked(features), -1);
        _log.Add(-1, features, reward);
        Add(features, reward, _log.EntryWeight);
    }

    /// <summary>Brings <see cref="Theta"/> and <see cref="InverseFactor"/> up to date.</summary>
    public void Solve()
    {
        if (!_stale)
        {
            return;
        }

        Fill(withPending: false);
        Cholesky.Factor(_work, Dimension);
        for (int i = 0; i < Dimension; i++)
        {
            Theta[i] = _cross[i] * _log.Scale;
        }

        Cholesky.Solve(_work, Dimension, Theta);
        Fill(withPending: true);
        Cholesky.Factor(_work, Dimension);
        Cholesky.Invert(_work, Dimension, InverseFactor);
        _stale = false;
    }

    private void Fill(bool withPending)
    {
        for (int i = 0; i < _work.Length; i++)
        {
            _work[i] = (_moments[i] * _log.Scale) + (withPending ? _pending[i] : 0);
        }

        for (int i = 0; i < Dimension; i++)
        {
            _work[(i * Dimension) + i] += options.Ridge;
        }
    }

    private void Add(ReadOnlySpan<double> features, double reward, double weight)
    {
        AddOuter(_moments, features, weight);
        for (int i = 0; i < Dimension; i++)
        {
            _cross[i] += weight * reward * features[i];
        }

        _stale = true;
    }

    private void AddOuter(double[] matrix, ReadOnlySpan<double> x, double weight)
    {
        for (int i = 0; i < Dimension; i++)
        {
            for (int j = 0; j < Dimension; j++)
            {
                matrix[(i * Dimension) + j] += weight * x[i] * x[j];
            }
        }
    }

    private ReadOnlySpan<double> Checked(ReadOnlySpan<double> features)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(features.Length, Dimension);
        return features;
    }

    private static void Scale(double[] values, double factor)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] *= factor;
        }
    }
}

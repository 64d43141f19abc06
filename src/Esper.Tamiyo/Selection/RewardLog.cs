namespace Esper.Tamiyo.Selection;

/// <summary>
/// Time and weights of rewards. A reward that is t periods old weighs discount^t, and nothing once it is older than the window.
/// </summary>
/// <remarks>
/// Sums are kept as of an earlier time, in which a new reward weighs more than 1, and are brought to the present by one factor,
/// <see cref="Scale"/>: fading costs nothing, however many arms there are.
/// </remarks>
internal sealed class RewardLog(double discount, double window, int featureCount)
{
    private const double SmallestScale = 1e-100;

    private readonly List<Entry> _entries = [];
    private readonly List<double> _features = [];
    private int _first;
    private double _now;

    /// <summary>Factor that brings stored sums to the present.</summary>
    public double Scale { get; private set; } = 1;

    /// <summary>Whether <see cref="Scale"/> has become so small that sums must be rewritten.</summary>
    public bool NeedsRebase => Scale < SmallestScale;

    /// <summary>Weight with which a reward of now enters the stored sums.</summary>
    public double EntryWeight => 1 / Scale;

    public void Clear()
    {
        _entries.Clear();
        _features.Clear();
        (_first, _now, Scale) = (0, 0, 1);
    }

    public void Advance(double periods)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(periods);
        _now += periods;
        Scale *= discount == 1 ? 1 : Math.Pow(discount, periods);
    }

    /// <summary>Notes a reward, so that it can be taken out again when it leaves the window.</summary>
    public void Add(int arm, ReadOnlySpan<double> features, double reward)
    {
        if (window > 0)
        {
            _entries.Add(new Entry(arm, reward, _now, EntryWeight));
            _features.AddRange(features);
        }
    }

    /// <summary>Takes the oldest reward out if it has left the window.</summary>
    public bool TryExpire(out Entry entry, out ReadOnlySpan<double> features)
    {
        if (_first < _entries.Count && _entries[_first].Time + window <= _now)
        {
            entry = _entries[_first];
            features = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_features)
                .Slice(_first * featureCount, featureCount);
            _first++;
            return true;
        }

        entry = default;
        features = default;
        return false;
    }

    /// <summary>The stored sums were multiplied by <see cref="Scale"/>.</summary>
    public void Rebased()
    {
        for (int i = _first; i < _entries.Count; i++)
        {
            _entries[i] = _entries[i] with { Weight = _entries[i].Weight * Scale };
        }

        Scale = 1;
    }

    internal readonly record struct Entry(int Arm, double Reward, double Time, double Weight);
}

using System.Numerics;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// The arms of a selection as a structure of arrays, so that a strategy can score thousands of them in one sweep: features, price,
/// weight of the cost, and whether an arm may be pulled now.
/// </summary>
public sealed class ArmSet
{
    private readonly double[] _features;
    private readonly double[] _price;
    private readonly double[] _costFactor;
    private readonly bool[] _eligible;

    /// <summary>Creates arms that are all eligible, free of cost, with features of 0.</summary>
    /// <param name="count">Number of arms, at least 1.</param>
    /// <param name="featureCount">Features of an arm; 0 for strategies without context.</param>
    public ArmSet(int count, int featureCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(featureCount);
        Count = count;
        FeatureCount = featureCount;
        Stride = (count + Vector<double>.Count - 1) / Vector<double>.Count * Vector<double>.Count;
        _features = new double[featureCount * Stride];
        _price = new double[count];
        _costFactor = new double[count];
        _eligible = new bool[count];
        Array.Fill(_costFactor, 1);
        Array.Fill(_eligible, true);
    }

    /// <summary>Number of arms.</summary>
    public int Count { get; }

    /// <summary>Features of an arm.</summary>
    public int FeatureCount { get; }

    /// <summary><see cref="Count"/> rounded up to whole vectors; the arms behind the last are padding.</summary>
    internal int Stride { get; }

    /// <summary>Sets an arm's features.</summary>
    public void SetFeatures(int arm, ReadOnlySpan<double> features)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(features.Length, FeatureCount);
        for (int i = 0; i < features.Length; i++)
        {
            _features[(i * Stride) + arm] = features[i];
        }
    }

    /// <summary>Reads an arm's features.</summary>
    public void CopyFeatures(int arm, Span<double> features)
    {
        for (int i = 0; i < FeatureCount; i++)
        {
            features[i] = _features[(i * Stride) + arm];
        }
    }

    /// <summary>Sets what a pull costs.</summary>
    /// <param name="arm">The arm.</param>
    /// <param name="price">What its reward must pay for: taken from the estimated reward, in its unit.</param>
    /// <param name="cost">Cost that the rest is divided by, above 0; 1 ranks by what is left, not by reward per cost.</param>
    public void SetCost(int arm, double price, double cost = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cost);
        _price[arm] = price;
        _costFactor[arm] = 1 / cost;
    }

    /// <summary>Says whether an arm may be pulled now.</summary>
    public void SetEligible(int arm, bool eligible) => _eligible[arm] = eligible;

    /// <summary>Whether an arm may be pulled now.</summary>
    public bool IsEligible(int arm) => _eligible[arm];

    /// <summary>One feature of all arms, padding included.</summary>
    internal ReadOnlySpan<double> Feature(int index) => _features.AsSpan(index * Stride, Stride);

    /// <summary>What an estimated reward is worth at an arm's cost.</summary>
    internal double Value(int arm, double reward)
    {
        double rest = reward - _price[arm];

        // Dividing a loss by a large cost would make it look small.
        return rest > 0 ? rest * _costFactor[arm] : rest / _costFactor[arm];
    }
}

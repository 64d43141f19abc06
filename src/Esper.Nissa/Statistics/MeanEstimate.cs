using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Nissa.Statistics;

/// <summary>A mean over seeds with its 95 % confidence interval.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Ci95">Lower and upper end of the interval; null for fewer than two values, which say nothing about their spread.</param>
/// <param name="Count">Number of values.</param>
public sealed record MeanEstimate(double Mean, ImmutableArray<double>? Ci95, int Count)
{
    private const double TwoSided = 0.975;

    /// <summary>Lower end of the interval; null without one.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double? Low => Ci95?[0];

    /// <summary>Upper end of the interval; null without one.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double? High => Ci95?[1];

    /// <summary>Half the width of the interval; null without one.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double? HalfWidth => (High - Low) / 2;

    /// <summary>Mean with the interval of Student's t: mean +- t(0.975, n - 1) s / sqrt(n). Null for no values.</summary>
    public static MeanEstimate? Of(IReadOnlyCollection<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0)
        {
            return null;
        }

        double mean = values.Average();
        if (values.Count == 1)
        {
            return new MeanEstimate(mean, null, 1);
        }

        double variance = values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1);
        double half = StudentT.Quantile(TwoSided, values.Count - 1) * Math.Sqrt(variance / values.Count);
        return new MeanEstimate(mean, [mean - half, mean + half], values.Count);
    }

    /// <summary>
    /// Mean with a percentile bootstrap interval: the 2.5 % and 97.5 % quantiles of the means of that many resamples. For few values it
    /// is narrower than Student's; it does not assume that they are normal. The same values give the same interval.
    /// </summary>
    public static MeanEstimate? Bootstrap(IReadOnlyList<double> values, int resamples = 10_000)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 100);
        if (values.Count < 2)
        {
            return Of(values);
        }

        ulong stream = KeyedRandom.Key("statistics.bootstrap");
        double[] means = new double[resamples];
        for (int i = 0; i < resamples; i++)
        {
            double sum = 0;
            for (int k = 0; k < values.Count; k++)
            {
                sum += values[KeyedRandom.Below(values.Count, stream, (ulong)i, (ulong)k)];
            }

            means[i] = sum / values.Count;
        }

        Array.Sort(means);
        return new MeanEstimate(values.Average(), [Quantile(means, 1 - TwoSided), Quantile(means, TwoSided)], values.Count);
    }

    /// <summary>Quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan).</summary>
    private static double Quantile(double[] sorted, double share)
    {
        double position = share * (sorted.Length - 1);
        int below = (int)position;
        double above = sorted[Math.Min(below + 1, sorted.Length - 1)];
        return sorted[below] + ((position - below) * (above - sorted[below]));
    }
}

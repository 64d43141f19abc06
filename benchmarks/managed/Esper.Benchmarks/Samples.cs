using Esper.Contracts;

namespace Esper.Benchmarks;

/// <summary>Statistics of timings.</summary>
internal static class Samples
{
    private const int Resamples = 5000;

    /// <summary>The middle value; the mean of the two in the middle of an even number.</summary>
    public static double Median(ReadOnlySpan<double> samples)
    {
        double[] sorted = samples.ToArray();
        Array.Sort(sorted);
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>
    /// The 95 % interval of the median by the percentile bootstrap: medians of samples drawn with replacement, the same
    /// ones in every run.
    /// </summary>
    public static (double Low, double High) MedianInterval(ReadOnlySpan<double> samples)
    {
        double[] medians = new double[Resamples];
        double[] drawn = new double[samples.Length];
        for (int resample = 0; resample < Resamples; resample++)
        {
            for (int i = 0; i < drawn.Length; i++)
            {
                drawn[i] = samples[KeyedRandom.Below(samples.Length, (ulong)resample, (ulong)i)];
            }

            medians[resample] = Median(drawn);
        }

        Array.Sort(medians);
        return (medians[(int)(0.025 * Resamples)], medians[(int)(0.975 * Resamples) - 1]);
    }
}

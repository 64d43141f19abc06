namespace Esper.Kasmina.Lifecycle;

/// <summary>One evaluation of a seed's counterfactual gain: the same validation examples with and without it, paired.</summary>
/// <param name="LossMean">Mean loss (nats) without minus with the seed.</param>
/// <param name="LossHalfWidth">Half width of its 95 % interval.</param>
/// <param name="AccuracyMean">Accuracy with minus without the seed.</param>
/// <param name="AccuracyHalfWidth">Half width of its 95 % interval.</param>
public sealed record GainEstimate(double LossMean, double LossHalfWidth, double AccuracyMean, double AccuracyHalfWidth)
{
    /// <summary>Two-sided 95 % quantile of the normal distribution; the number of examples is in the hundreds at least.</summary>
    private const double Quantile = 1.959964;

    /// <summary>The share of the validation examples that it saw; evaluations of different shares have no example in common.</summary>
    public int Share { get; init; }

    /// <summary>Estimates the gain from paired per-example results.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or there are fewer than two examples.</exception>
    public static GainEstimate Paired(
        ReadOnlySpan<float> lossWith, ReadOnlySpan<float> lossWithout, ReadOnlySpan<byte> correctWith, ReadOnlySpan<byte> correctWithout)
    {
        int count = lossWith.Length;
        if (count < 2 || lossWithout.Length != count || correctWith.Length != count || correctWithout.Length != count)
        {
            throw new ArgumentException($"A paired gain needs equally long results of at least two examples, got {count}.");
        }

        (double lossMean, double lossHalf) = Interval(lossWithout, lossWith, static (a, b) => (double)a - b);
        (double accuracyMean, double accuracyHalf) = Interval(correctWith, correctWithout, static (a, b) => (double)a - b);
        return new GainEstimate(lossMean, lossHalf, accuracyMean, accuracyHalf);
    }

    /// <summary>
    /// Pools several evaluations: the mean of the means. Those of one share see the same examples, so that their errors may be fully
    /// correlated, and their half widths add up; those of different shares err independently, and the squares do.
    /// </summary>
    public static GainEstimate Pool(IReadOnlyList<GainEstimate> samples) => new(
        samples.Average(sample => sample.LossMean),
        HalfWidth(samples, sample => sample.LossHalfWidth),
        samples.Average(sample => sample.AccuracyMean),
        HalfWidth(samples, sample => sample.AccuracyHalfWidth));

    private static double HalfWidth(IReadOnlyList<GainEstimate> samples, Func<GainEstimate, double> halfWidth)
    {
        double squares = samples.GroupBy(sample => sample.Share).Select(share => share.Sum(halfWidth)).Sum(sum => sum * sum);
        return Math.Sqrt(squares) / samples.Count;
    }

    private static (double Mean, double HalfWidth) Interval<T>(
        ReadOnlySpan<T> left, ReadOnlySpan<T> right, Func<T, T, double> difference)
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
        {
            sum += difference(left[i], right[i]);
        }

        double mean = sum / left.Length;
        double squares = 0;
        for (int i = 0; i < left.Length; i++)
        {
            double deviation = difference(left[i], right[i]) - mean;
            squares += deviation * deviation;
        }

        double variance = squares / (left.Length - 1);
        return (mean, Quantile * Math.Sqrt(variance / left.Length));
    }
}

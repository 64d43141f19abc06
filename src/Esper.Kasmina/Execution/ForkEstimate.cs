using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Execution;

/// <summary>Turns evaluations of two branches into a gain with its interval.</summary>
public static class ForkEstimate
{
    /// <summary>Two-sided 95 % quantile of the normal distribution; the number of examples is in the hundreds at least.</summary>
    private const double Quantile = 1.959964;

    /// <summary>The gain of one branch over another, over one or several forks that evaluate the same examples.</summary>
    /// <remarks>
    /// Examples are paired within a fork. With one fork the interval speaks of other examples, not of other batches to train on. With
    /// several, each example's differences are averaged over the forks, and the spread of the forks' means is a second source of error:
    /// its variance is added, with Student's quantile for so few of them.
    /// </remarks>
    /// <param name="forks">For each fork the evaluations with and without.</param>
    /// <exception cref="ArgumentException">There is no fork, the examples differ in number, or are fewer than two.</exception>
    public static GainEstimate Of(IReadOnlyList<(Evaluation With, Evaluation Without)> forks)
    {
        ArgumentNullException.ThrowIfNull(forks);
        int examples = forks.Count > 0 ? forks[0].With.ExampleLoss.Length : 0;
        if (examples < 2 || forks.Any(fork =>
            fork.With.ExampleLoss.Length != examples || fork.Without.ExampleLoss.Length != examples))
        {
            throw new ArgumentException(
                $"A paired gain needs equally long results of at least two examples, got {examples}.", nameof(forks));
        }

        (double loss, double lossHalf) = Interval(
            forks.Count, examples, (fork, i) => (double)forks[fork].Without.ExampleLoss[i] - forks[fork].With.ExampleLoss[i]);
        (double accuracy, double accuracyHalf) = Interval(
            forks.Count, examples, (fork, i) => (double)forks[fork].With.ExampleCorrect[i] - forks[fork].Without.ExampleCorrect[i]);
        return new GainEstimate(loss, lossHalf, accuracy, accuracyHalf);
    }

    /// <summary>Two-sided 95 % quantile of Student's distribution with so many degrees of freedom, at least 1.</summary>
    internal static double StudentQuantile(int degrees)
    {
        ReadOnlySpan<double> few = [12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157];
        if (degrees <= few.Length)
        {
            return few[degrees - 1];
        }

        // Expansion in 1 / degrees (Fisher, Cornish); off by less than 3e-3 from 10 on.
        const double z = Quantile;
        return z + ((Math.Pow(z, 3) + z) / (4 * degrees))
            + (((5 * Math.Pow(z, 5)) + (16 * Math.Pow(z, 3)) + (3 * z)) / (96.0 * degrees * degrees));
    }

    private static (double Mean, double HalfWidth) Interval(int forks, int examples, Func<int, int, double> difference)
    {
        double[] byExample = new double[examples];
        double[] byFork = new double[forks];
        for (int fork = 0; fork < forks; fork++)
        {
            for (int i = 0; i < examples; i++)
            {
                double value = difference(fork, i);
                byExample[i] += value / forks;
                byFork[fork] += value / examples;
            }
        }

        double error = Quantile * Quantile * Variance(byExample) / examples;
        if (forks > 1)
        {
            double student = StudentQuantile(forks - 1);
            error += student * student * Variance(byFork) / forks;
        }

        return (byExample.Average(), Math.Sqrt(error));
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
    }
}

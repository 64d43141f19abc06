namespace Esper.Benchmarks.Tests;

/// <summary>Medians and their bootstrap intervals, against values that were not computed by the code under test.</summary>
public sealed class SamplesTests
{
    [Theory]
    [InlineData(new[] { 3.0 }, 3.0)]
    [InlineData(new[] { 5.0, -1.0, 2.0 }, 2.0)]
    [InlineData(new[] { 9.0, 1.0, 4.0, 2.0 }, 3.0)]
    public void A_median_is_the_middle_value_or_the_mean_of_the_two(double[] samples, double expected) =>
        Assert.Equal(expected, Samples.Median(samples));

    /// <summary>Computed by another implementation of the same draws, in Python's integers and its statistics.median.</summary>
    [Fact]
    public void The_interval_is_that_of_the_percentile_bootstrap()
    {
        double[] ratios = [1.0031, 0.9987, 1.0112, 1.0004, 0.9952, 1.0230, 1.0019, 0.9998, 1.0075, 1.0041, 0.9969];
        Assert.Equal(1.0019, Samples.Median(ratios));
        Assert.Equal((0.9987, 1.0075), Samples.MedianInterval(ratios));
        Assert.Equal((1.75, 20.5), Samples.MedianInterval([4.0, 1.0, 9.0, 16.0, 25.0, 2.5]));
    }

    /// <summary>
    /// For an odd number n of different samples the bootstrap's distribution is known: a median of n draws is at most the k-th
    /// smallest sample if at least (n + 1) / 2 of the draws are, each with probability k / n. The sizes are those whose quantiles are
    /// so far from 2.5 % that 5000 draws (standard error 0.22 %) do not miss them.
    /// </summary>
    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(19)]
    public void Its_ends_are_the_order_statistics_that_theory_gives(int n)
    {
        int low = Enumerable.Range(1, n).First(k => MedianAtMost(k, n) >= 0.025);
        Assert.True(MedianAtMost(low - 1, n) < 0.014 && MedianAtMost(low, n) > 0.036);
        // Sample number i is the (7 i mod n + 1)-th smallest, so that nothing is in order; n = 7 has a stride of its own.
        int stride = n == 7 ? 3 : 7;
        double[] samples = [.. Enumerable.Range(0, n).Select(i => 10.0 * (stride * i % n + 1))];
        Assert.Equal((10.0 * low, 10.0 * (n + 1 - low)), Samples.MedianInterval(samples));
    }

    [Fact]
    public void Every_run_draws_the_same_samples_and_no_order_of_equal_ones_matters()
    {
        double[] samples = [1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0];
        Assert.Equal(Samples.MedianInterval(samples), Samples.MedianInterval(samples));
        Assert.Equal((4.0, 4.0), Samples.MedianInterval([4.0, 4.0, 4.0]));
        Assert.Equal((7.0, 7.0), Samples.MedianInterval([7.0]));
    }

    [Fact]
    public void The_caller_keeps_its_samples_as_they_were()
    {
        double[] samples = [3.0, 1.0, 2.0];
        Samples.MedianInterval(samples);
        Samples.Median(samples);
        Assert.Equal([3.0, 1.0, 2.0], samples);
    }

    /// <summary>P(at least (n + 1) / 2 successes in n trials of probability k / n).</summary>
    private static double MedianAtMost(int k, int n)
    {
        double p = (double)k / n;
        double sum = 0.0;
        double ways = 1.0;  // n over j.
        for (int j = 0; j <= n; j++)
        {
            if (j >= (n + 1) / 2)
            {
                sum += ways * Math.Pow(p, j) * Math.Pow(1.0 - p, n - j);
            }

            ways = ways * (n - j) / (j + 1);
        }

        return sum;
    }
}

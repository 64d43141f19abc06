using Esper.Nissa.Statistics;

namespace Esper.Nissa.Tests;

public sealed class StatisticsTests
{
    /// <summary>Published quantiles (NIST/SEMATECH e-Handbook, table 1.3.6.7.2), and Cauchy's closed form for one degree of freedom.</summary>
    [Theory]
    [InlineData(1, 12.706204736)]
    [InlineData(2, 4.302652730)]
    [InlineData(3, 3.182446305)]
    [InlineData(4, 2.776445105)]
    [InlineData(7, 2.364624252)]
    [InlineData(9, 2.262157163)]
    [InlineData(15, 2.131449546)]
    [InlineData(30, 2.042272456)]
    [InlineData(100, 1.983971519)]
    [InlineData(1e6, 1.959966)]
    public void Quantiles_of_students_t_are_those_of_the_tables(double degrees, double expected) =>
        Assert.Equal(expected, StudentT.Quantile(0.975, degrees), 6);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(25)]
    public void The_distribution_is_the_integral_of_its_density(int degrees)
    {
        // Density up to a constant; the constant from the integral itself, so that nothing here shares a formula with the product.
        double Density(double t) => Math.Pow(1 + (t * t / degrees), -(degrees + 1) / 2.0);
        double Area(double from, double to)
        {
            const int steps = 200_000;
            double width = (to - from) / steps, sum = 0;
            for (int i = 0; i < steps; i++)
            {
                sum += Density(from + ((i + 0.5) * width));
            }

            return sum * width;
        }

        // The tail behind the range is cut off: 2e-5 of the whole for one degree of freedom and a range of 3e4.
        double reach = degrees == 1 ? 3e4 : 2e3;
        double half = Area(0, 10) + Area(10, 200) + Area(200, reach);
        foreach (double t in new[] { 0.3, 1.0, 2.5, 7.0 })
        {
            Assert.Equal(0.5 + (0.5 * Area(0, t) / half), StudentT.Cumulative(t, degrees), 4);
            Assert.Equal(1, StudentT.Cumulative(t, degrees) + StudentT.Cumulative(-t, degrees), 12);
        }
    }

    [Fact]
    public void A_mean_has_students_interval()
    {
        // s^2 = 5/3, s / sqrt(4) = 0.645497, t(0.975, 3) = 3.182446: half width 2.054260.
        MeanEstimate estimate = MeanEstimate.Of([1.0, 2.0, 3.0, 4.0])!;
        Assert.Equal(2.5, estimate.Mean);
        Assert.Equal(2.054260, estimate.HalfWidth!.Value, 5);
        Assert.Equal(2.5 - 2.054260, estimate.Low!.Value, 5);
        Assert.Equal(2.5 + 2.054260, estimate.High!.Value, 5);
        Assert.Equal(4, estimate.Count);
    }

    [Fact]
    public void Fewer_than_two_values_have_no_interval_and_none_has_no_mean()
    {
        Assert.Null(MeanEstimate.Of([]));
        MeanEstimate one = MeanEstimate.Of([0.5])!;
        Assert.Equal(0.5, one.Mean);
        Assert.Null(one.Ci95);
        Assert.Null(one.Low);
        Assert.Null(one.HalfWidth);
        Assert.Null(MeanEstimate.Bootstrap([0.5])!.Ci95);
    }

    [Fact]
    public void Students_interval_covers_the_truth_in_95_of_100_experiments()
    {
        int covered = 0;
        const int experiments = 4000;
        for (ulong experiment = 0; experiment < experiments; experiment++)
        {
            double[] values = [.. Enumerable.Range(0, 4).Select(i => Normal(experiment, (ulong)i))];
            MeanEstimate estimate = MeanEstimate.Of(values)!;
            covered += estimate.Low <= 0 && estimate.High >= 0 ? 1 : 0;
        }

        // 0.95 +- 4 standard errors of sqrt(0.95 * 0.05 / 4000).
        Assert.InRange((double)covered / experiments, 0.936, 0.964);
    }

    [Fact]
    public void The_bootstrap_interval_is_that_of_all_resamples()
    {
        // Of two values {0, 1}, resampled means are 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4: both quantiles are ends.
        MeanEstimate two = MeanEstimate.Bootstrap([0.0, 1.0])!;
        Assert.Equal([0.0, 1.0], two.Ci95!.Value.AsEnumerable());

        // For many values it nears the normal interval: here 0 +- 1.96 / sqrt(400) * s.
        double[] values = [.. Enumerable.Range(0, 400).Select(i => Normal(77, (ulong)i))];
        MeanEstimate many = MeanEstimate.Bootstrap(values)!;
        double half = 1.96 * Math.Sqrt(values.Sum(v => (v - values.Average()) * (v - values.Average())) / 399 / 400);
        Assert.InRange(many.HalfWidth!.Value / half, 0.97, 1.03);
        Assert.Equal(many.Ci95!.Value.AsEnumerable(), MeanEstimate.Bootstrap(values)!.Ci95!.Value);
    }

    [Fact]
    public void A_curve_is_straight_between_measurements_and_stays_at_its_end()
    {
        Curve curve = new([(1, 0.2), (3, 0.6), (4, 0.5)]);
        Assert.Null(curve.At(0.99));
        Assert.Equal(0.2, curve.At(1));
        Assert.Equal(0.4, curve.At(2)!.Value, 12);
        Assert.Equal(0.6, curve.At(3)!.Value, 12);
        Assert.Equal(0.55, curve.At(3.5)!.Value, 12);
        Assert.Equal(0.5, curve.At(9));
        Assert.Equal([2.0, 6.0, 8.0], curve.Stretched(2).Points.Select(point => point.X));
    }

    [Fact]
    public void The_mean_of_a_curve_is_its_area_over_the_axis()
    {
        Curve curve = new([(1, 0.2), (3, 0.6), (4, 0.5)]);

        // By hand: 2 * 0.4 + 1 * 0.55 + 2 * 0.5 over [1, 6].
        Assert.Equal((0.8 + 0.55 + 1.0) / 5, curve.Mean(1, 6)!.Value, 12);

        // An independent sum over a fine grid, with ends inside segments.
        const int steps = 100_000;
        double sum = Enumerable.Range(0, steps).Sum(i => curve.At(1.7 + ((i + 0.5) * (5.3 - 1.7) / steps))!.Value);
        Assert.Equal(sum / steps, curve.Mean(1.7, 5.3)!.Value, 8);
        Assert.Null(curve.Mean(0.5, 3));
        Assert.Null(curve.Mean(3, 3));
    }

    [Fact]
    public void A_curve_out_of_order_or_without_points_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new Curve([]));
        Assert.Throws<ArgumentException>(() => new Curve([(2, 0.1), (1, 0.2)]));
        Assert.Throws<ArgumentException>(() => new Curve([(1, 0.1), (double.NaN, 0.2)]));
    }

    private static double Normal(ulong experiment, ulong index)
    {
        // Box-Muller over the platform's counter-based generator.
        double radius = Math.Sqrt(-2 * Math.Log(1 - Contracts.KeyedRandom.Uniform(experiment, index, 0)));
        return radius * Math.Cos(2 * Math.PI * Contracts.KeyedRandom.Uniform(experiment, index, 1));
    }
}

using System.Collections.Immutable;
using Esper.Tamiyo.Risk;

namespace Esper.Tamiyo.Tests.Risk;

public sealed class LossTrendTests
{
    [Fact]
    public void A_trend_by_hand()
    {
        // Moves against the median of up to three before: -0.5, 1.1/1.5-1, 0.9/1.1-1, then 1.8/1.0-1... computed on paper.
        LossTrend trend = LossTrend.Of([2.0, 1.0, 1.2, 0.6, 1.5]);
        Assert.Equal((1.5 / 1.0) - 1, trend.LastMove, 12);
        double[] earlier = [-0.5, (1.2 / 1.5) - 1, (0.6 / 1.2) - 1];
        Assert.Equal(-0.5, trend.Center, 12);
        Assert.Equal(0, trend.Scale, 12);
        Assert.Equal([-0.5, -0.2, -0.5], earlier.Select(move => Math.Round(move, 12)));
        Assert.Equal((0.5 + 0.5) / LossTrend.LeastScale, trend.Deviation, 9);
    }

    [Fact]
    public void A_steady_fall_is_no_event_and_no_noise()
    {
        ImmutableArray<double> steady = [.. Enumerable.Range(0, 10).Select(i => 2 * Math.Pow(0.9, i))];
        LossTrend trend = LossTrend.Of(steady);
        Assert.InRange(trend.Deviation, -1e-9, 1e-9);
        Assert.InRange(trend.Scale, 0, 1e-9);
    }

    [Fact]
    public void A_leap_stands_out_of_a_fall_even_where_it_stays_below_the_first_losses()
    {
        LossTrend trend = LossTrend.Of([2.0, 1.5, 1.2, 1.0, 0.9, 0.85, 1.6]);
        Assert.True(trend.Deviation > 8, $"deviation {trend.Deviation}");
    }

    [Fact]
    public void A_high_loss_that_stays_is_not_forgotten_with_the_next_epoch() =>
        Assert.True(LossTrend.Of([1.0, 0.95, 0.9, 0.86, 0.82, 2.0, 2.0]).Deviation > 8);

    [Fact]
    public void One_earlier_outlier_does_not_hide_the_next()
    {
        double[] before = [1.0, 0.95, 0.9, 3.0, 0.82, 0.78, 0.75, 0.72, 0.7];
        Assert.True(LossTrend.Of([.. before, 2.5]).Deviation > 8);
    }

    [Fact]
    public void A_network_without_loss_has_no_infinite_moves()
    {
        LossTrend trend = LossTrend.Of([0, 0, 0, 0, 1e-4]);
        Assert.Equal(0.1, trend.LastMove, 12);
        Assert.True(double.IsFinite(LossTrend.Of([0, 0, 0, 0, 0]).Deviation));
    }

    [Fact]
    public void Four_losses_are_too_few() => Assert.Throws<ArgumentException>(() => LossTrend.Of([1, 1, 1, 1]));
}

using Esper.Contracts.Control;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Contracts.Tests.Control;

public sealed class TrendTests
{
    [Fact]
    public void A_line_has_its_slope_and_no_noise()
    {
        Trend trend = Trend.Of([9, 9, 5, 4.5, 4, 3.5], 4)!.Value;
        Assert.Equal(-0.5, trend.Slope, 12);
        Assert.Equal(0, trend.Noise, 12);
    }

    [Fact]
    public void Noise_is_the_deviation_from_the_line_with_two_degrees_of_freedom_less()
    {
        // Residuals of (0, 1, 0, 1) about its line 0.2 + 0.2 i: -0.2, 0.6, -0.6, 0.2; their squares add up to 0.8.
        Trend trend = Trend.Of([0, 1, 0, 1], 4)!.Value;
        Assert.Equal(0.2, trend.Slope, 12);
        Assert.Equal(Math.Sqrt(0.8 / 2), trend.Noise, 12);
    }

    [Fact]
    public void A_short_history_has_no_trend()
    {
        Assert.Null(Trend.Of([1, 2], 3));
        Assert.NotNull(Trend.Of([1, 2, 3], 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Trend.Of([1, 2, 3], 2));
    }

    [Fact]
    public void A_missing_measurement_is_an_error_wherever_it_stands()
    {
        EsperException error = Assert.Throws<EsperException>(() => Trend.Of([double.NaN, 1, 2, 3], 3));
        Assert.Contains("Value 1 of a series is NaN", error.Message, StringComparison.Ordinal);
        Assert.Throws<EsperException>(() => Trend.Of([double.PositiveInfinity], 3));
    }

    [Fact]
    public void Adding_a_line_adds_its_slope_and_changes_no_noise() => Prop.ForAll((int[] values, int slope, int offset) =>
    {
        double[] series = [1, 0, 2, .. values.Select(value => value % 100 / 10.0)];
        double rise = slope % 50 / 10.0, start = offset % 50;
        double[] tilted = [.. series.Select((value, i) => value + start + (rise * i))];
        Trend one = Trend.Of(series, series.Length)!.Value, other = Trend.Of(tilted, tilted.Length)!.Value;
        return Math.Abs(one.Slope + rise - other.Slope) < 1e-9 && Math.Abs(one.Noise - other.Noise) < 1e-6;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_state_has_the_trends_of_all_figures_over_its_windows()
    {
        SystemState state = Sound.State() with
        {
            Epoch = 3,
            History = [new(1, 3, 0.1, 2, 0.2), new(2, 2, 0.2, 2, 0.5), new(3, 1, 0.3, 2, 0.8)],
        };
        WindowTrends three = state.Trends[0];
        Assert.Equal(3, three.Epochs);
        Assert.Equal(-1, three.TrainLoss!.Value.Slope, 12);
        Assert.Equal(0.1, three.TrainAccuracy!.Value.Slope, 12);
        Assert.Equal(0, three.ValidationLoss!.Value.Slope, 12);
        Assert.Equal(0.3, three.ValidationAccuracy!.Value.Slope, 12);
        Assert.Equal(new WindowTrends(8, null, null, null, null), state.Trends[1]);
    }
}

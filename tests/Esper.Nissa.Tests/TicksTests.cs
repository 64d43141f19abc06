using Esper.Nissa.Report;

namespace Esper.Nissa.Tests;

public sealed class TicksTests
{
    public static TheoryData<double, double> Ranges
    {
        get
        {
            TheoryData<double, double> data = new() { { 0, 1 }, { -1, 1 }, { 0.065, 0.1 }, { 0, 0.3 }, { 78_042, 80_678 }, { -3e-7, 5e-9 }, { 1e12, 1.0001e12 } };
            Random random = new(5);
            for (int i = 0; i < 200; i++)
            {
                double low = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-6, 7));
                data.Add(low, low + (Math.Abs(low) * (0.01 + (random.NextDouble() * 10))) + 1e-9);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Ticks_cover_the_range_evenly_with_nice_numbers_and_no_waste(double low, double high)
    {
        foreach (int wanted in new[] { 3, 5, 8 })
        {
            double[] ticks = Ticks.Covering(low, high, wanted);
            double step = (ticks[^1] - ticks[0]) / (ticks.Length - 1);
            double mantissa = step / Math.Pow(10, Math.Floor(Math.Log10(step) + 1e-9));
            double slack = step * 1e-6;

            Assert.True(ticks[0] <= low + slack && ticks[^1] >= high - slack, "covers");
            Assert.True(ticks[1] > low - slack && ticks[^2] < high + slack, "wastes no interval");
            Assert.Contains(Math.Round(mantissa, 3), new[] { 1.0, 2, 5, 10 });
            Assert.InRange(ticks.Length - 1, wanted / 2.0, (wanted * 2.5) + 1);
            for (int i = 1; i < ticks.Length; i++)
            {
                Assert.Equal(step, ticks[i] - ticks[i - 1], slack);
                Assert.Equal(Math.Round(ticks[i] / step), ticks[i] / step, 1e-4);
            }
        }
    }

    [Fact]
    public void Ticks_are_free_of_rounding_dust() =>
        Assert.Equal(["0", "0.1", "0.2", "0.3"], Ticks.Covering(0, 0.3, 3).Select(HumanText.Tick));

    [Theory]
    [InlineData(1, new double[] { 0, 1 })]
    [InlineData(3, new double[] { 0, 1, 2, 3 })]
    [InlineData(20, new double[] { 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 })]
    [InlineData(9.7, new double[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 })]
    public void Epochs_are_counted_in_whole_numbers_within_the_axis(double epochs, double[] expected) =>
        Assert.Equal(expected, Ticks.Within(0, epochs, 8, smallestStep: 1));

    [Theory]
    [InlineData(0.02, 0.9, new[] { 0.01, 0.1, 1 })]
    [InlineData(0.1, 0.1, new[] { 0.1, 1 })]
    [InlineData(0.01, 10, new[] { 0.01, 0.1, 1, 10 })]
    public void Decades_cover_the_range(double low, double high, double[] expected)
    {
        double[] ticks = Ticks.Decades(low, high);
        Assert.Equal(expected.Length, ticks.Length);
        Assert.All(expected.Zip(ticks), pair => Assert.Equal(1, pair.Second / pair.First, 1e-12));
    }

    [Fact]
    public void Many_decades_are_thinned_and_still_cover()
    {
        double[] ticks = Ticks.Decades(1e-30, 1e5);
        Assert.InRange(ticks.Length, 3, 12);
        Assert.True(ticks[0] <= 1.0000001e-30 && ticks[^1] >= 0.9999999e5);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1.4, 1)]
    [InlineData(1.5, 2)]
    [InlineData(3.1, 2)]
    [InlineData(3.2, 5)]
    [InlineData(7, 5)]
    [InlineData(7.2, 10)]
    public void A_step_becomes_the_nearest_nice_number(double step, double nice)
    {
        Assert.Equal(nice, Ticks.NiceStep(step), 1e-9);
        Assert.Equal(nice * 1e-3, Ticks.NiceStep(step * 1e-3), 1e-12);
    }

    [Fact]
    public void Scales_map_ends_to_ends_and_logarithms_evenly()
    {
        Scale scale = new(0.01, 1, 200, 20, Logarithmic: true);
        Assert.Equal(200, scale[0.01], 1e-9);
        Assert.Equal(110, scale[0.1], 1e-9);
        Assert.Equal(20, scale[1], 1e-9);
        Assert.Equal(55, new Scale(0, 10, 50, 60)[5], 1e-9);
    }
}

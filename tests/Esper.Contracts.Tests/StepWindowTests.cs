using Esper.Contracts.Control;

namespace Esper.Contracts.Tests;

public sealed class StepWindowTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(49, 0)]
    [InlineData(50, 1)]
    [InlineData(199, 1)]
    [InlineData(200, 2)]
    [InlineData(500, 2)]
    public void A_window_that_is_not_filled_is_left_out(int steps, int windows) =>
        Assert.Equal(StepWindow.Lengths[..windows], StepWindow.AllOf(Line(steps)).Select(window => window.Steps));

    [Fact]
    public void A_line_has_its_slope_and_no_noise()
    {
        StepWindow window = StepWindow.AllOf(Line(120)).Single();

        // The last 50 of 120 steps: 70 to 119, 94.5 in the middle.
        Assert.Equal(3 - (0.01 * 94.5), window.LossMean, 12);
        Assert.Equal(-0.01, window.Loss.Slope, 12);
        Assert.Equal(0, window.Loss.Noise, 9);
        Assert.Equal(0.001, window.Accuracy.Slope, 12);
        Assert.Equal(0.0945, window.AccuracyMean, 12);
        Assert.Equal(5, window.GradientNormMean, 12);
        Assert.Equal(0, window.GradientNorm.Slope, 12);
    }

    [Fact]
    public void Noise_about_a_line_is_its_standard_deviation()
    {
        StepObservation[] steps = [.. Enumerable.Range(0, 50).Select(i => new StepObservation(i % 2 == 0 ? 1.1 : 0.9, 0.5, 1))];
        StepWindow window = StepWindow.AllOf(steps).Single();
        Assert.Equal(0.1 * Math.Sqrt(50.0 / 48), window.Loss.Noise, 3);
    }

    [Fact]
    public void A_missing_measurement_is_an_error()
    {
        StepObservation[] steps = Line(60);
        steps[30] = steps[30] with { GradientNorm = double.NaN };
        Assert.Throws<EsperException>(() => StepWindow.AllOf(steps));
        Assert.Single(StepWindow.AllOf(Line(60)));
    }

    private static StepObservation[] Line(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new StepObservation(3 - (0.01 * i), 0.001 * i, 5))];
}

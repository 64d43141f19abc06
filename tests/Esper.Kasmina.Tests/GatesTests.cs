using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Graph;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class GatesTests
{
    private static readonly LifecycleOptions Options = new();
    private static readonly GrowthSignal Signal = new(1, 1);

    [Fact]
    public void Every_gate_fails_for_good_when_it_cannot_be_evaluated()
    {
        GateVerdict[] verdicts =
        [
            Gates.Isolation(null),
            Gates.Readiness(null, Signal, 5, Options),
            Gates.Readiness(new TelemetryMeans(0, 1, 1, -1), Signal, 5, Options),
            Gates.Readiness(new TelemetryMeans(3, 1, null, -1), Signal, 5, Options),
            Gates.Readiness(new TelemetryMeans(3, 1, 1, -1), null, 5, Options),
            Gates.Stay(1, null, Options),
            Gates.Worth([], 0, Options),
        ];
        Assert.All(verdicts, verdict =>
        {
            Assert.False(verdict.Passed);
            Assert.True(verdict.Terminal);
            Assert.StartsWith("cannot be evaluated: ", verdict.Reason, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Measurements_that_are_not_numbers_fail()
    {
        Assert.False(Gates.Isolation(double.NaN).Passed);
        Assert.False(Gates.Stay(double.NaN, 1, Options).Passed);
        Assert.False(Gates.Readiness(new TelemetryMeans(3, 1, double.NaN, -1), Signal, 5, Options).Passed);
        Assert.False(Gates.Worth([new(double.NaN, 0, 0, 0), new(1, 0, 0, 0)], 0, Options).Passed);
    }

    [Fact]
    public void Initial_parameters_must_be_finite()
    {
        GerminationInput input = new(Blueprint.Parse("affine"), SiteLayout.Tokens, 2, new ModuleCost(4, 8), new GrowthBudget(10, 10), new float[4]);
        Assert.True(Gates.Germination(input).Passed);
        GateVerdict broken = Gates.Germination(input with { InitialParameters = new[] { 0, float.NaN, 1, float.PositiveInfinity } });
        Assert.False(broken.Passed);
        Assert.Contains("not finite, at most 0, is 2", broken.Reason, StringComparison.Ordinal);
        Assert.False(Gates.Germination(input with { Left = new GrowthBudget(10, 7) }).Passed);
    }

    [Theory]
    [InlineData("gate-4")]
    [InlineData("depthwise-3-relu+channel")]
    public void What_mixes_positions_germinates_on_images_alone(string name)
    {
        GerminationInput input = new(
            Blueprint.Parse(name), SiteLayout.Nchw, 2, new ModuleCost(4, 8), new GrowthBudget(10, 10), new float[4]);
        Assert.True(Gates.Germination(input).Passed);
        GateVerdict refused = Gates.Germination(input with { Layout = SiteLayout.Tokens });
        Assert.False(refused.Passed);
        Assert.True(refused.Terminal);
        Assert.StartsWith($"'{name}' mixes the positions of an example and suits image sites", refused.Reason, StringComparison.Ordinal);
        Assert.Contains("lowrank-RANK", refused.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.5, 0.6, 1, true)]
    [InlineData(1e-9, 0.6, 1, false)]
    [InlineData(1e9, 0.6, 1, false)]
    [InlineData(0.5, 0.05, 1, false)]
    [InlineData(0.5, -0.6, 1, false)]
    [InlineData(0.5, double.NaN, 1, false)]
    [InlineData(0.5, 0.6, 0, false)]
    public void Readiness_asks_for_health_signal_and_time(double ratio, double agreement, int age, bool expected)
    {
        GateVerdict verdict = Gates.Readiness(
            new TelemetryMeans(5, 1, ratio, 0.2), new GrowthSignal(1, agreement), age, Options);
        Assert.Equal(expected, verdict.Passed);
        Assert.False(verdict.Terminal);
        Assert.Equal(4, verdict.Measurements.Length);
    }

    [Theory]
    [InlineData(0.010, 0.002, 0.005, true)]
    [InlineData(0.006, 0.002, 0.005, false)]
    [InlineData(0.005, 0.000, 0.005, false)]
    public void Worth_is_judged_by_the_lower_end_of_the_interval(double mean, double half, double required, bool expected)
    {
        GainEstimate gain = new(mean, half, 0, 0);
        Assert.Equal(expected, Gates.Worth([gain, gain], required, Options).Passed);
    }

    [Theory]
    [InlineData(1.5, true)]
    [InlineData(1.5001, false)]
    public void The_loss_band_is_a_factor(double loss, bool expected) =>
        Assert.Equal(expected, Gates.Stay(loss, 1, Options with { LossBand = 1.5 }).Passed);
}

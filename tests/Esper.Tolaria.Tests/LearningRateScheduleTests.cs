using Esper.Contracts;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Optimization;

namespace Esper.Tolaria.Tests;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warmup_stable_decay_by_hand()
    {
        ScheduleConfig config = new() { Kind = "wsd", WarmupFraction = 0.1, DecayFraction = 0.2 };
        LearningRateSchedule schedule = new(config, 2, 100);
        Assert.Equal(0.2, schedule.At(0), 12);
        Assert.Equal(2, schedule.At(9), 12);
        Assert.All(Enumerable.Range(10, 71), step => Assert.Equal(2, schedule.At(step), 12));
        Assert.Equal(1, schedule.At(90), 12);
        Assert.Equal(0.1, schedule.At(99), 12);
    }

    [Fact]
    public void Cosine_by_hand()
    {
        LearningRateSchedule schedule = new(new() { Kind = "cosine", WarmupFraction = 0, FinalFraction = 0.1 }, 1, 100);
        Assert.Equal(1, schedule.At(0), 12);
        Assert.Equal(0.55, schedule.At(50), 12);
        Assert.InRange(schedule.At(99), 0.1, 0.101);
    }

    [Fact]
    public void Step_falls_at_its_fractions()
    {
        ScheduleConfig config = new() { Kind = "step", WarmupFraction = 0, StepFractions = [0.5, 0.75], StepFactor = 0.1 };
        LearningRateSchedule schedule = new(config, 1, 100);
        Assert.Equal([1, 1, 0.1, 0.1, 0.01, 0.01], new long[] { 0, 49, 50, 74, 75, 99 }.Select(s => Math.Round(schedule.At(s), 12)));
    }

    [Theory]
    [InlineData("wsd")]
    [InlineData("cosine")]
    [InlineData("step")]
    public void Every_schedule_stays_within_zero_and_its_peak(string kind)
    {
        foreach (long steps in new long[] { 1, 2, 7, 1000 })
        {
            LearningRateSchedule schedule = new(new() { Kind = kind }, 0.3, steps);
            for (long step = 0; step < steps; step++)
            {
                Assert.InRange(schedule.At(step), 0, 0.3);
                Assert.True(schedule.At(step) > 0 || step > 0, "the first step learns nothing");
            }
        }
    }

    [Fact]
    public void An_unknown_kind_is_named()
    {
        EsperException error = Assert.Throws<EsperException>(() => new LearningRateSchedule(new() { Kind = "linear" }, 1, 1));
        Assert.Contains("schedule.kind: 'linear'", error.Message, StringComparison.Ordinal);
    }
}

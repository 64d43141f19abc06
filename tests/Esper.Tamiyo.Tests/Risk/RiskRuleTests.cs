using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Risk;
using Esper.Tamiyo.Risk.Rules;

namespace Esper.Tamiyo.Tests.Risk;

/// <summary>Every rule at its threshold, a hair below and a hair above.</summary>
public sealed class RiskRuleTests
{
    [Theory]
    [InlineData(0, null, RiskAction.Allow)]
    [InlineData(1, null, RiskAction.Hold)]
    [InlineData(0, 0L, RiskAction.Hold)]
    [InlineData(0, 24L, RiskAction.Hold)]
    [InlineData(0, 25L, RiskAction.Allow)]
    [InlineData(2, 1000L, RiskAction.Hold)]
    public void Fault(int outOfBounds, long? quiet, RiskAction expected)
    {
        RiskConditions conditions = Changes.Calm with { Watch = new FaultWatch(outOfBounds, quiet, 25) };
        foreach (SeedStage stage in new[]
            { SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized })
        {
            RiskVerdict verdict = Changes.Judge(Changes.Off, Changes.To(stage), conditions);
            Assert.Equal(expected, verdict.Action);
            Assert.Equal(expected == RiskAction.Allow ? null : "fault", verdict.Rule);
        }
    }

    [Theory]
    [InlineData(0, RiskAction.Allow)]
    [InlineData(1, RiskAction.Allow)]
    [InlineData(-1, RiskAction.Quarantine)]
    public void Isolation(int ulps, RiskAction expected)
    {
        LifecycleChange change = Changes.To(SeedStage.Training) with { Isolation = Next(0.999, ulps) };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { IsolationMinimum = 0.999 }, change);
        Expect(verdict, expected, "isolation", change.Isolation!.Value, 0.999);
    }

    [Theory]
    [InlineData(SeedStage.Blending, 0, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, -1, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, 1, RiskAction.Quarantine)]
    [InlineData(SeedStage.Holding, 1, RiskAction.Quarantine)]
    [InlineData(SeedStage.Fossilized, 1, RiskAction.Quarantine)]
    public void Gradient_explosion(SeedStage stage, int ulps, RiskAction expected)
    {
        LifecycleChange change = Changes.To(stage) with { GradientRatio = Next(50, ulps) };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { GradientRatioMaximum = 50 }, change);
        Expect(verdict, expected, "gradient-explosion", change.GradientRatio!.Value, 50);
    }

    [Theory]
    [InlineData(SeedStage.Blending, 0, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, 1, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, -1, RiskAction.Hold)]
    [InlineData(SeedStage.Holding, -1, RiskAction.Hold)]
    [InlineData(SeedStage.Fossilized, -1, RiskAction.Hold)]
    public void Gradient_starvation(SeedStage stage, int ulps, RiskAction expected)
    {
        LifecycleChange change = Changes.To(stage) with { GradientRatio = Next(1e-3, ulps) };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { GradientRatioMinimum = 1e-3 }, change);
        Expect(verdict, expected, "gradient-starvation", change.GradientRatio!.Value, 1e-3);
    }

    [Theory]
    [InlineData(SeedStage.Blending, 0, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, 1, RiskAction.Allow)]
    [InlineData(SeedStage.Blending, -1, RiskAction.Hold)]
    [InlineData(SeedStage.Fossilized, -1, RiskAction.Hold)]
    public void Loss_spike(SeedStage stage, int ulps, RiskAction expected)
    {
        RiskConditions leap = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 1.5] };
        double deviation = LossTrend.Of(leap.ValidationLosses).Deviation;
        double threshold = Next(deviation, ulps);
        RiskVerdict verdict = Changes.Judge(Changes.Off with { LossSpikeMaximum = threshold }, Changes.To(stage), leap);
        Expect(verdict, expected, "loss-spike", deviation, threshold);
    }

    [Theory]
    [InlineData(0, 1, RiskAction.Hold)]
    [InlineData(0, 0, RiskAction.Hold)]
    [InlineData(0, -1, RiskAction.RollBack)]
    public void Loss_spike_rolls_back_beyond_its_second_threshold(double maximum, int ulps, RiskAction expected)
    {
        RiskConditions leap = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 3.0] };
        double deviation = LossTrend.Of(leap.ValidationLosses).Deviation;
        RiskOptions options = Changes.Off with { LossSpikeMaximum = maximum, LossSpikeRollback = Next(deviation, ulps) };
        RiskVerdict verdict = Changes.Judge(options, Changes.To(SeedStage.Blending), leap);
        Assert.Equal((expected, "loss-spike"), (verdict.Action, verdict.Rule));
    }

    [Fact]
    public void A_second_threshold_alone_rolls_back_and_holds_nothing()
    {
        RiskOptions options = Changes.Off with { LossSpikeRollback = 5 };
        RiskConditions leap = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 3.0] };
        Assert.Equal(RiskAction.RollBack, Changes.Judge(options, Changes.To(SeedStage.Fossilized), leap).Action);
        Assert.Equal(RiskAction.Allow, Changes.Judge(options, Changes.To(SeedStage.Fossilized)).Action);
    }

    [Theory]
    [InlineData(0, RiskAction.Allow)]
    [InlineData(1, RiskAction.Allow)]
    [InlineData(-1, RiskAction.Hold)]
    public void Loss_volatility(int ulps, RiskAction expected)
    {
        RiskConditions swing = Changes.Calm with { ValidationLosses = [2.0, 1.2, 2.1, 1.1, 1.9, 1.5] };
        double scale = LossTrend.Of(swing.ValidationLosses).Scale;
        double threshold = Next(scale, ulps);
        RiskVerdict verdict = Changes.Judge(Changes.Off with { LossVolatilityMaximum = threshold }, Changes.To(SeedStage.Blending), swing);
        Expect(verdict, expected, "loss-volatility", scale, threshold);
    }

    [Theory]
    [InlineData(0, RiskAction.Allow)]
    [InlineData(1, RiskAction.Allow)]
    [InlineData(-1, RiskAction.Hold)]
    public void Memory_headroom(int bytes, RiskAction expected)
    {
        // 1,000 parameters take 16,000 bytes; half of 64,000 must stay.
        LifecycleChange change = Changes.To(SeedStage.Germinated) with { Module = new ModuleOption("bottleneck-8", 1_000, 1), Alternatives = [] };
        RiskConditions conditions = Changes.Calm with { FreeBytes = 48_000 + bytes, TotalBytes = 64_000 };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { MemoryHeadroomMinimum = 0.5 }, change, conditions);
        Expect(verdict, expected, "memory-headroom", (32_000.0 + bytes) / 64_000, 0.5);
    }

    [Theory]
    [InlineData(SeedStage.Germinated, 0, RiskAction.Allow)]
    [InlineData(SeedStage.Germinated, -1, RiskAction.Allow)]
    [InlineData(SeedStage.Germinated, 1, RiskAction.Hold)]
    [InlineData(SeedStage.Fossilized, 1, RiskAction.Hold)]
    public void Latency(SeedStage stage, int ulps, RiskAction expected)
    {
        RiskConditions slow = Changes.Calm with { StepMilliseconds = Next(20, ulps) };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { StepMsMaximum = 20 }, Changes.To(stage), slow);
        Expect(verdict, expected, "latency", slow.StepMilliseconds!.Value, 20);
    }

    [Theory]
    [InlineData(0.0, 1_000, 20_000, RiskAction.Allow)]
    [InlineData(0.0, 1_001, 20_000, RiskAction.Hold)]
    [InlineData(0.0, 1_000, 20_001, RiskAction.Hold)]
    [InlineData(0.25, 500, 10_000, RiskAction.Allow)]
    [InlineData(0.25, 501, 10_000, RiskAction.Hold)]
    [InlineData(0.25, 500, 10_001, RiskAction.Hold)]
    [InlineData(0.25, 499, 9_999, RiskAction.Allow)]
    public void Budget(double reserve, long parameters, long flops, RiskAction expected)
    {
        // Half of both budgets is left: 1,000 of 2,000 and 20,000 of 40,000.
        LifecycleChange change = Changes.To(SeedStage.Germinated) with
        {
            Module = new ModuleOption("bottleneck-8", parameters, flops),
            Alternatives = [],
        };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { BudgetReserve = reserve }, change);
        Assert.Equal(expected, verdict.Action);
        RiskFinding finding = verdict.Findings.Single(finding => finding.Rule == "budget");
        Assert.Equal([parameters, flops], finding.Measurements.Select(measurement => measurement.Value));
        Assert.Equal([1_000 - (2_000 * reserve), 20_000 - (40_000 * reserve)], finding.Measurements.Select(measurement => measurement.Threshold));
    }

    [Theory]
    [InlineData("affine", "low", RiskAction.Allow)]
    [InlineData("bottleneck-8", "low", RiskAction.Hold)]
    [InlineData("bottleneck-8", "medium", RiskAction.Allow)]
    [InlineData("depthwise-3", "medium", RiskAction.Hold)]
    [InlineData("depthwise-3", "high", RiskAction.Allow)]
    public void Tier(string blueprint, string maximum, RiskAction expected)
    {
        LifecycleChange change = Changes.To(SeedStage.Germinated) with { Module = new ModuleOption(blueprint, 1, 1), Alternatives = [] };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { TierMaximum = maximum }, change);
        Assert.Equal(expected, verdict.Action);
        Assert.Equal(expected == RiskAction.Allow ? null : "tier", verdict.Rule);
    }

    [Theory]
    [InlineData(SeedStage.Germinated, 0, RiskAction.Allow)]
    [InlineData(SeedStage.Germinated, 1, RiskAction.Allow)]
    [InlineData(SeedStage.Germinated, -1, RiskAction.Hold)]
    [InlineData(SeedStage.Fossilized, -1, RiskAction.Hold)]
    public void Confidence(SeedStage stage, int ulps, RiskAction expected)
    {
        LifecycleChange change = Changes.To(stage) with { Confidence = Next(0.6, ulps) };
        RiskVerdict verdict = Changes.Judge(Changes.Off with { ConfidenceMinimum = 0.6 }, change);
        Expect(verdict, expected, "confidence", change.Confidence!.Value, 0.6);
    }

    [Fact]
    public void Steps_of_the_lifecycle_itself_are_not_asked_how_sure_they_are()
    {
        LifecycleChange own = Changes.To(SeedStage.Germinated) with { CommandId = null, Confidence = null };
        Assert.DoesNotContain(
            Changes.Judge(Changes.Off with { ConfidenceMinimum = 1 }, own).Findings, finding => finding.Rule == "confidence");
    }

    [Fact]
    public void Quarantine_keeps_an_arm_out_at_its_site()
    {
        RiskEngine engine = Changes.Engine(Changes.Off);
        RiskVerdict verdict = engine.Assess(Changes.Of(Changes.To(SeedStage.Germinated), null, "bottleneck-8"));
        Assert.Equal((RiskAction.Hold, "quarantine"), (verdict.Action, verdict.Rule));
        Assert.True(engine.Assess(Changes.Of(Changes.To(SeedStage.Germinated), null, "bottleneck-16")).Allowed);
    }

    [Theory]
    [MemberData(nameof(Missing))]
    public void A_rule_without_its_input_refuses_and_names_it(string rule, RiskInputs inputs, RiskOptions options)
    {
        RiskVerdict verdict = Changes.Engine(options).Assess(inputs);
        Assert.Equal((RiskAction.Hold, rule), (verdict.Action, verdict.Rule));
        RiskFinding finding = verdict.Findings.Single(finding => finding.Rule == rule);
        RiskRule asked = RiskRules.Of(options).Single(known => known.Name == rule);
        Assert.Contains(finding.Missing, asked.Inputs);
        Assert.Contains(finding.Missing!, verdict.Reason, StringComparison.Ordinal);
        Assert.Contains("cannot be evaluated", verdict.Reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, RiskInputs, RiskOptions> Missing()
    {
        RiskOptions off = Changes.Off;
        LifecycleChange blending = Changes.To(SeedStage.Blending);
        LifecycleChange germinated = Changes.To(SeedStage.Germinated);
        RiskConditions four = Changes.Calm with { ValidationLosses = Changes.Calm.ValidationLosses[..4] };
        RiskConditions hole = Changes.Calm with { ValidationLosses = Changes.Calm.ValidationLosses.SetItem(2, double.NaN) };
        return new()
        {
            { "isolation", Changes.Of(blending with { Isolation = null }), off with { IsolationMinimum = 0 } },
            { "gradient-explosion", Changes.Of(blending with { GradientRatio = null }), off with { GradientRatioMaximum = 1e30 } },
            { "gradient-starvation", Changes.Of(blending with { GradientRatio = null }), off with { GradientRatioMinimum = 0 } },
            { "loss-spike", Changes.Of(blending, four), off with { LossSpikeMaximum = 1e12 } },
            { "loss-spike", Changes.Of(blending, hole), off with { LossSpikeRollback = 1e12 } },
            { "loss-volatility", Changes.Of(blending, RiskConditions.None), off with { LossVolatilityMaximum = 1e12 } },
            { "memory-headroom", Changes.Of(germinated, Changes.Calm with { FreeBytes = null }), off with { MemoryHeadroomMinimum = 0 } },
            { "memory-headroom", Changes.Of(germinated, Changes.Calm with { TotalBytes = null }), off with { MemoryHeadroomMinimum = 0 } },
            { "latency", Changes.Of(germinated, Changes.Calm with { StepMilliseconds = null }), off with { StepMsMaximum = 1e9 } },
            { "confidence", Changes.Of(germinated with { Confidence = null }), off with { ConfidenceMinimum = 0 } },
            { "tier", Changes.Of(germinated with { Module = new ModuleOption("magic", 1, 1), Alternatives = [] }), off with { TierMaximum = "high" } },
        };
    }

    [Fact]
    public void A_measurement_that_is_no_number_passes_nothing()
    {
        LifecycleChange change = Changes.To(SeedStage.Blending) with { GradientRatio = double.NaN, Isolation = double.NaN };
        Assert.Equal(RiskAction.Quarantine, Changes.Judge(Changes.Off with { GradientRatioMaximum = 1 }, change).Action);
        Assert.Equal(RiskAction.Hold, Changes.Judge(Changes.Off with { GradientRatioMinimum = 1 }, change).Action);
        Assert.Equal(RiskAction.Quarantine, Changes.Judge(Changes.Off with { IsolationMinimum = -1 }, change).Action);
    }

    [Fact]
    public void A_rule_whose_threshold_is_null_is_not_there() =>
        Assert.Equal(["quarantine", "fault"], RiskRules.Of(Changes.Off).Select(rule => rule.Name));

    [Fact]
    public void Rules_on_time_and_machine_are_off_by_default()
    {
        ImmutableArray<RiskRule> rules = RiskRules.Of(new RiskOptions());
        Assert.DoesNotContain(rules, rule => rule is LatencyRule or MemoryHeadroomRule);
        Assert.Equal(["quarantine", "fault", "isolation", "gradient-explosion", "gradient-starvation", "budget", "tier"], rules.Select(rule => rule.Name));
    }

    private static double Next(double value, int ulps) => ulps switch
    {
        > 0 => Math.BitIncrement(value),
        < 0 => Math.BitDecrement(value),
        _ => value,
    };

    private static void Expect(RiskVerdict verdict, RiskAction action, string rule, double value, double threshold)
    {
        Assert.Equal(action, verdict.Action);
        Assert.Equal(action == RiskAction.Allow ? null : rule, verdict.Rule);
        GateMeasurement measured = verdict.Findings.Single(finding => finding.Rule == rule).Measurements.Single();
        Assert.Equal((value, threshold, action == RiskAction.Allow), (measured.Value, measured.Threshold, measured.Passed));
    }
}

using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Risk;

namespace Esper.Tamiyo.Tests.Risk;

public sealed class RiskEngineTests
{
    private static readonly RiskOptions All = new()
    {
        LossSpikeMaximum = 6,
        LossSpikeRollback = 20,
        LossVolatilityMaximum = 0.3,
        MemoryHeadroomMinimum = 0.1,
        StepMsMaximum = 100,
        TierMaximum = "medium",
        ConfidenceMinimum = 0.5,
    };

    [Fact]
    public void The_first_rule_that_does_not_allow_decides_and_all_are_listed()
    {
        LifecycleChange change = Changes.To(SeedStage.Blending) with { Isolation = 0.5, GradientRatio = 1e9 };
        RiskConditions leap = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 9.0] };
        RiskVerdict verdict = Changes.Judge(All, change, leap);
        Assert.Equal((RiskAction.Quarantine, "isolation"), (verdict.Action, verdict.Rule));
        Assert.Equal(
            ["fault", "isolation", "gradient-explosion", "loss-spike", "loss-volatility", "gradient-starvation"],
            verdict.Findings.Select(finding => finding.Rule));
        Assert.Equal(RiskAction.RollBack, verdict.Findings[3].Action);
    }

    [Fact]
    public void Another_order_is_another_verdict()
    {
        LifecycleChange change = Changes.To(SeedStage.Blending) with { GradientRatio = 1e9 };
        RiskConditions leap = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 9.0] };
        RiskInputs inputs = Changes.Of(change, leap);
        Assert.Equal("gradient-explosion", new RiskEngine(RiskRules.Of(All)).Assess(inputs).Rule);
        RiskVerdict turned = new RiskEngine([.. RiskRules.Of(All).Reverse()]).Assess(inputs);
        Assert.Equal((RiskAction.RollBack, "loss-spike"), (turned.Action, turned.Rule));
    }

    [Fact]
    public void The_order_is_the_documented_one() => Assert.Equal(
        [
            "quarantine", "fault", "isolation", "gradient-explosion", "loss-spike", "loss-volatility", "gradient-starvation", "memory-headroom",
            "latency", "budget", "tier", "confidence",
        ],
        RiskRules.Of(All).Select(rule => rule.Name));

    [Theory]
    [InlineData(SeedStage.Germinated)]
    [InlineData(SeedStage.Training)]
    [InlineData(SeedStage.Blending)]
    [InlineData(SeedStage.Holding)]
    [InlineData(SeedStage.Fossilized)]
    public void A_sound_change_in_a_calm_run_is_allowed(SeedStage stage)
    {
        RiskVerdict verdict = Changes.Judge(All, Changes.To(stage));
        Assert.True(verdict.Allowed, verdict.Reason);
        Assert.Null(verdict.Rule);
        Assert.Equal(stage, verdict.Target);
    }

    [Fact]
    public void A_downgrade_takes_the_first_blueprint_that_every_rule_allows()
    {
        LifecycleChange change = Changes.To(SeedStage.Germinated) with
        {
            Module = Changes.Depthwise,
            Alternatives = [new ModuleOption("lowrank-4", 5_000, 1), Changes.Bottleneck, Changes.Affine],
        };
        RiskVerdict verdict = Changes.Judge(All, change);
        Assert.Equal((RiskAction.Downgrade, "tier", "bottleneck-8"), (verdict.Action, verdict.Rule, verdict.Blueprint));
        RiskVerdict strict = Changes.Judge(All with { TierMaximum = "low" }, change);
        Assert.Equal("affine", strict.Blueprint);
    }

    [Fact]
    public void A_downgrade_never_lands_in_quarantine()
    {
        LifecycleChange change = Changes.To(SeedStage.Germinated) with { Module = Changes.Depthwise, Alternatives = [Changes.Bottleneck, Changes.Affine] };
        Assert.Equal("affine", Changes.Engine(All).Assess(Changes.Of(change, null, "bottleneck-8")).Blueprint);
    }

    [Fact]
    public void Where_no_blueprint_helps_the_change_is_held()
    {
        LifecycleChange change = Changes.To(SeedStage.Germinated) with { Module = Changes.Depthwise, Confidence = 0.1 };
        RiskVerdict verdict = Changes.Judge(All, change);
        Assert.Equal((RiskAction.Hold, "tier"), (verdict.Action, verdict.Rule));
        Assert.Contains("no other blueprint passes here", verdict.Reason, StringComparison.Ordinal);
        Assert.Null(verdict.Blueprint);
    }

    [Fact]
    public void A_verdict_from_a_log_is_judged_the_same_again()
    {
        RiskConditions swing = Changes.Calm with { ValidationLosses = [2.0, 1.2, 2.1, 1.1, 1.9, 1.5], StepMilliseconds = 123.456 };
        foreach (SeedStage stage in new[] { SeedStage.Germinated, SeedStage.Blending, SeedStage.Fossilized })
        {
            RiskVerdict verdict = Changes.Judge(All, Changes.To(stage), swing);
            string line = JsonSerializer.Serialize(verdict, EsperJson.Compact);
            RiskVerdict logged = JsonSerializer.Deserialize<RiskVerdict>(line, EsperJson.Compact)!;
            Assert.Equal(line, JsonSerializer.Serialize(Changes.Engine(All).Assess(logged.Inputs), EsperJson.Compact));
        }
    }

    [Fact]
    public void An_unknown_tier_is_named() => Assert.Contains(
        "risk.tier_maximum: 'huge'",
        Assert.Throws<EsperException>(() => RiskRules.Of(new RiskOptions { TierMaximum = "huge" })).Message,
        StringComparison.Ordinal);
}

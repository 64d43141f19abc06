using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Risk;

namespace Esper.Tamiyo.Tests.Risk;

public sealed class RiskVetoTests
{
    private readonly RiskVeto _veto = new(Changes.Engine(new RiskOptions { LossSpikeMaximum = 5, LossSpikeRollback = 20 }))
    {
        Conditions = Changes.Calm,
    };

    [Fact]
    public void A_quarantine_holds_from_the_verdict_on_and_for_its_site_alone()
    {
        LifecycleChange exploding = Changes.To(SeedStage.Blending) with { GradientRatio = 1e9 };
        Assert.True(_veto.Assess(Changes.To(SeedStage.Germinated)).Allowed);
        Assert.True(_veto.Assess(exploding).Condemns);
        Assert.Equal("bottleneck-8", Assert.Single(_veto.QuarantinedAt(1)));
        Assert.Empty(_veto.QuarantinedAt(0));
        Assert.Equal("quarantine", _veto.Assess(Changes.To(SeedStage.Germinated)).Rule);
        Assert.True(_veto.Assess(Changes.To(SeedStage.Germinated) with { Seed = new SeedId(0, 0) }).Allowed);
        QuarantinedArm arm = Assert.Single(_veto.Quarantine);
        Assert.Equal("gradient-explosion", arm.Source);
        _veto.Assess(exploding);
        Assert.Single(_veto.Quarantine);
    }

    [Fact]
    public void The_quarantine_survives_a_checkpoint()
    {
        _veto.Exclude(new QuarantinedArm(2, "gate-4", "governor", "it poisoned the run"));
        RiskVeto resumed = new(Changes.Engine(new RiskOptions())) { Conditions = Changes.Calm };
        resumed.Exclude(new QuarantinedArm(0, "affine", "x", "y"));
        resumed.Restore(_veto.Quarantine);
        Assert.Equal("gate-4", Assert.Single(resumed.QuarantinedAt(2)));
        Assert.Empty(resumed.QuarantinedAt(0));
    }

    [Fact]
    public void A_roll_back_is_remembered_until_it_is_seen_to_and_blames_no_arm()
    {
        _veto.Conditions = Changes.Calm with { ValidationLosses = [2.0, 1.8, 1.62, 1.458, 1.3122, 9.0] };
        RiskVerdict verdict = _veto.Assess(Changes.To(SeedStage.Blending));
        Assert.Equal(RiskAction.RollBack, verdict.Action);
        Assert.Same(verdict, _veto.RollBack);
        Assert.Empty(_veto.Quarantine);
        _veto.ClearRollBack();
        Assert.Null(_veto.RollBack);
    }

    [Fact]
    public void Without_conditions_rules_that_need_them_refuse()
    {
        RiskVeto blind = new(Changes.Engine(new RiskOptions { LossSpikeMaximum = 1e9 }));
        Assert.Equal("loss-spike", blind.Assess(Changes.To(SeedStage.Blending)).Rule);
    }
}

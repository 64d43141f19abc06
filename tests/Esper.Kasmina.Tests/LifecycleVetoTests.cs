using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

/// <summary>The lifecycle asks before every change that adds, heeds the answer, and leaves a record of it.</summary>
public sealed class LifecycleVetoTests
{
    private static readonly SeedStage[] Adding =
        [SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized];

    [Fact]
    public void Every_change_that_adds_is_asked_about_with_what_is_known()
    {
        Veto veto = new();
        using LifecycleFixture fixture = Grown(veto, SeedStage.Fossilized);
        Assert.Equal(Adding, veto.Asked.Select(change => change.To).Distinct());
        LifecycleChange birth = veto.Asked[0];
        Assert.Equal(("bottleneck-4", "test"), (birth.Module.Blueprint, birth.Issuer));
        Assert.Equal("g-0.0", birth.CommandId);
        Assert.Equal("affine", Assert.Single(birth.Alternatives).Blueprint);
        Assert.Null(birth.Isolation);
        Assert.Equal(1.0, veto.Asked.First(change => change.To == SeedStage.Training).Isolation);
        LifecycleChange blending = veto.Asked.First(change => change.To == SeedStage.Blending);
        Assert.Equal((1.0, "lifecycle", (string?)null), (blending.GradientRatio, blending.Issuer, blending.CommandId));
        Assert.True(blending.ParametersLeft < birth.ParametersLeft);
        Assert.All(
            fixture.Events.Where(change => Adding.Contains(change.To) && change.From != change.To), change => Assert.True(change.Risk?.Allowed));
    }

    [Theory]
    [InlineData(SeedStage.Germinated)]
    [InlineData(SeedStage.Training)]
    [InlineData(SeedStage.Blending)]
    [InlineData(SeedStage.Holding)]
    [InlineData(SeedStage.Fossilized)]
    public void What_is_held_does_not_happen_and_is_recorded(SeedStage target)
    {
        Veto veto = new();
        veto.Answers[target] = RiskAction.Hold;
        using LifecycleFixture fixture = Grown(veto, target);
        Assert.Equal(target == SeedStage.Germinated ? SeedStage.Dormant : target - 1, fixture.Lifecycle.StageOf(LifecycleFixture.First));
        LifecycleEvent held = fixture.Events.Last(change => change.Risk is { Allowed: false });
        Assert.Equal((held.From, RiskAction.Hold), (held.To, held.Risk!.Action));
        Assert.StartsWith("refused: risk rule 'test' says hold: because", held.Reason, StringComparison.Ordinal);
        Assert.Equal(target == SeedStage.Germinated, fixture.Executor.Modules.Count == 0);
    }

    [Theory]
    [InlineData(SeedStage.Training)]
    [InlineData(SeedStage.Blending)]
    [InlineData(SeedStage.Holding)]
    [InlineData(SeedStage.Fossilized)]
    public void What_is_quarantined_goes(SeedStage target)
    {
        Veto veto = new();
        veto.Answers[target] = RiskAction.Quarantine;
        using LifecycleFixture fixture = Grown(veto, target);
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(LifecycleFixture.First));
        LifecycleEvent culled = fixture.Events.Single(change => change.To == SeedStage.Culled);
        Assert.Equal(SeedLifecycle.RiskIssuer, culled.Issuer);
        Assert.Equal("risk rule 'test' says quarantine: because", culled.Reason);
        Assert.Empty(fixture.Executor.Modules);
    }

    [Fact]
    public void A_roll_back_changes_nothing_by_itself()
    {
        Veto veto = new();
        veto.Answers[SeedStage.Blending] = RiskAction.RollBack;
        using LifecycleFixture fixture = Grown(veto, SeedStage.Blending);
        Assert.Equal(SeedStage.Training, fixture.Lifecycle.StageOf(LifecycleFixture.First));
        Assert.Contains("says roll back", fixture.Events[^1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_downgrade_germinates_the_other_blueprint_and_says_so()
    {
        Veto veto = new();
        veto.Answers[SeedStage.Germinated] = RiskAction.Downgrade;
        using LifecycleFixture fixture = Grown(veto, SeedStage.Germinated);
        LifecycleEvent birth = Assert.Single(fixture.Events);
        Assert.Equal((SeedStage.Germinated, "affine"), (birth.To, birth.Blueprint));
        Assert.Equal("because; bottleneck-4 downgraded to affine by risk rule 'test': because", birth.Reason);
        Assert.Equal(RiskAction.Downgrade, birth.Risk!.Action);
    }

    [Fact]
    public void Removing_needs_nobodys_leave()
    {
        Veto veto = new();
        using LifecycleFixture fixture = new(veto: veto);
        fixture.ToTraining(LifecycleFixture.First);
        int asked = veto.Asked.Count;
        Assert.True(fixture.Execute(new CullCommand("c", "test", LifecycleFixture.First, "no use")));
        Assert.Equal(asked, veto.Asked.Count);
    }

    [Fact]
    public void A_seed_held_in_training_for_too_long_is_culled_with_the_rule_in_the_reason()
    {
        Veto veto = new();
        veto.Answers[SeedStage.Blending] = RiskAction.Hold;
        using LifecycleFixture fixture = new(new LifecycleOptions { TrainingLimit = 3 }, veto: veto);
        fixture.ToTraining(LifecycleFixture.First);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            fixture.Observe(LifecycleFixture.First, alignment: -0.2);
            fixture.EndEpoch();
        }

        LifecycleEvent culled = fixture.Events.Single(change => change.To == SeedStage.Culled);
        Assert.Equal("not ready after 3 epochs: risk rule 'test' says hold: because", culled.Reason);
        Assert.True(culled.Verdict!.Passed);
    }

    [Fact]
    public void A_seed_whose_gain_suffices_but_that_is_held_is_not_said_to_lack_it()
    {
        Veto veto = new();
        veto.Answers[SeedStage.Fossilized] = RiskAction.Hold;
        using LifecycleFixture fixture = new(new LifecycleOptions { HoldingLimit = 2 }, veto: veto);
        fixture.ToHolding(LifecycleFixture.First);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            fixture.Lifecycle.AddGain(LifecycleFixture.First, new GainEstimate(1, 0.01, 0.1, 0.01));
            fixture.Observe(LifecycleFixture.First, alignment: -0.2);
            fixture.EndEpoch();
        }

        LifecycleEvent culled = fixture.Events.Single(change => change.To == SeedStage.Culled);
        Assert.Equal("its gain suffices, but it was not made permanent within 2 epochs", culled.Reason);
    }

    [Fact]
    public void Quarantined_blueprints_are_not_offered_at_their_site()
    {
        Veto veto = new();
        using LifecycleFixture fixture = new(veto: veto);
        veto.Quarantined[0] = ["bottleneck-4"];
        ImmutableArray<SeedObservation> seeds = fixture.Lifecycle.Observations(ImmutableDictionary<Contracts.SeedId, GrowthSignal>.Empty);
        Assert.All(seeds, seed => Assert.Equal(seed.Seed.Site != 0, seed.Affordable.Contains("bottleneck-4")));
        Assert.All(seeds, seed => Assert.Contains("affine", seed.Affordable));
    }

    [Fact]
    public void A_command_that_the_guard_turned_away_is_in_the_record()
    {
        using LifecycleFixture fixture = new();
        CommandRefusal refusal = new(CommandFault.Stale, "c", "test", "deadline", "then", "now or later");
        fixture.Lifecycle.Refuse(new CullCommand("c", "test", LifecycleFixture.First, "x"), refusal);
        LifecycleEvent turned = Assert.Single(fixture.Events);
        Assert.Same(refusal, turned.Refusal);
        Assert.Equal("refused: command guard, Stale: deadline is 'then', required is now or later", turned.Reason);
    }

    [Fact]
    public void An_admission_is_good_for_one_execution()
    {
        using LifecycleFixture fixture = new();
        AdmittedCommand admitted = fixture.Door.Admit(new GerminateCommand("g", "test", LifecycleFixture.First, "affine", "x"));
        Assert.True(fixture.Lifecycle.Execute(admitted));
        Assert.Throws<InvalidOperationException>(() => fixture.Lifecycle.Execute(admitted));
    }

    /// <summary>Takes the first seed up to where <paramref name="target"/> has been asked for.</summary>
    private static LifecycleFixture Grown(Veto veto, SeedStage target)
    {
        LifecycleFixture fixture = new(veto: veto);
        Contracts.SeedId seed = LifecycleFixture.First;
        fixture.Germinate(seed);
        if (target == SeedStage.Germinated)
        {
            return fixture;
        }

        fixture.Lifecycle.AddIsolation(seed, 1);
        fixture.Lifecycle.BeginTraining();
        if (target == SeedStage.Training)
        {
            return fixture;
        }

        fixture.Observe(seed, alignment: -0.2);
        fixture.EndEpoch();
        if (target == SeedStage.Blending)
        {
            return fixture;
        }

        for (int step = 0; step < 10; step++)
        {
            fixture.Lifecycle.BeginStep();
        }

        fixture.EndEpoch();
        if (target == SeedStage.Holding)
        {
            return fixture;
        }

        fixture.Lifecycle.AddGain(seed, new GainEstimate(1, 0.01, 0.1, 0.01));
        fixture.Lifecycle.AddGain(seed, new GainEstimate(1, 0.01, 0.1, 0.01));
        fixture.Execute(new FossilizeCommand("f", "test", seed, "worth it"));
        return fixture;
    }

    private sealed class Veto : ILifecycleVeto
    {
        public List<LifecycleChange> Asked { get; } = [];

        public Dictionary<SeedStage, RiskAction> Answers { get; } = [];

        public Dictionary<int, ImmutableArray<string>> Quarantined { get; } = [];

        public RiskVerdict Assess(LifecycleChange change)
        {
            Asked.Add(change);
            RiskAction action = Answers.GetValueOrDefault(change.To);
            return new RiskVerdict(
                change.To,
                action,
                action == RiskAction.Allow ? null : "test",
                "because",
                action == RiskAction.Downgrade ? change.Alternatives[0].Blueprint : null,
                [],
                new RiskInputs(change, RiskConditions.None, []));
        }

        public ImmutableArray<string> QuarantinedAt(int site) => Quarantined.GetValueOrDefault(site, []);
    }
}

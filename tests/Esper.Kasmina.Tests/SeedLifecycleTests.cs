using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class SeedLifecycleTests
{
    private static readonly SeedId First = LifecycleFixture.First;
    private static readonly GainEstimate Good = new(0.05, 0.01, 0.02, 0.01);
    private static readonly GainEstimate Bad = new(-0.05, 0.01, -0.02, 0.01);

    [Fact]
    public void A_seed_goes_from_dormant_to_fossilized_on_evidence()
    {
        using LifecycleFixture fixture = new();
        fixture.ToHolding(First);
        fixture.EndEpoch();
        fixture.Lifecycle.AddGain(First, Good);
        fixture.EndEpoch();
        fixture.Lifecycle.AddGain(First, Good);
        Assert.True(fixture.Execute(new FossilizeCommand("f", "test", First, "worth it")));
        Assert.Equal(SeedStage.Fossilized, fixture.Lifecycle.StageOf(First));
        Assert.Equal(1f, fixture.Executor.Modules[First].Alpha);
        SeedStage[] path = [.. fixture.Events.Where(e => e.From != e.To).Select(e => e.To)];
        Assert.Equal(
            [SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized], path);
        Assert.Equal(
            [Gate.G0, Gate.G1, Gate.G2, Gate.G3, Gate.G5], fixture.Events.Where(e => e.From != e.To).Select(e => e.Verdict!.Gate));
    }

    [Fact]
    public void Germination_is_the_identity_and_reproducible()
    {
        using LifecycleFixture one = new();
        using LifecycleFixture two = new();
        Assert.True(one.Germinate(First));
        Assert.True(two.Germinate(First));
        Assert.Equal(one.Executor.Parameters[First], two.Executor.Parameters[First]);

        // Output projection (W2, behind W1 and b1) and output bias are zero: g(x) = 0.
        Assert.All(one.Executor.Parameters[First][(8 * 4)..], value => Assert.Equal(0f, value));
        Assert.Contains(one.Executor.Parameters[First][..(8 * 4)], value => value != 0);
        Assert.Equal(0f, one.Executor.Modules[First].Alpha);
    }

    [Fact]
    public void A_second_module_at_the_same_seed_starts_elsewhere()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { EmbargoEpochs = 0 });
        fixture.Germinate(First);
        float[] first = fixture.Executor.Parameters[First];
        fixture.Execute(new CullCommand("c", "test", First, "try again"));
        fixture.EndEpoch();
        Assert.True(fixture.Germinate(First));
        Assert.NotEqual(first, fixture.Executor.Parameters[First]);
    }

    [Fact]
    public void Kappa_is_given_in_units_of_a_position_of_the_mean_loss()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { Kappa = 2 });
        fixture.Germinate(First);
        Assert.Equal(2f / (32 * 16), fixture.Executor.Modules[First].Kappa);
    }

    [Fact]
    public void Alpha_rises_step_by_step_to_its_target_and_stays()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { BlendEpochs = 0.5, AlphaTarget = 0.8 });
        fixture.ToBlending(First);
        List<float> seen = [];
        for (int step = 0; step < 8; step++)
        {
            fixture.Lifecycle.BeginStep();
            seen.Add(fixture.Executor.Modules[First].Alpha);
        }

        Assert.Equal([0.16f, 0.32f, 0.48f, 0.64f, 0.8f, 0.8f, 0.8f, 0.8f], seen);
    }

    [Fact]
    public void Without_a_ramp_alpha_is_there_at_once()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { BlendEpochs = 0 });
        fixture.ToBlending(First);
        Assert.Equal(1f, fixture.Executor.Modules[First].Alpha);
    }

    [Fact]
    public void Holding_waits_for_alpha()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { BlendEpochs = 2 });
        fixture.ToBlending(First);
        fixture.Lifecycle.BeginStep();
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Blending, fixture.Lifecycle.StageOf(First));
        LifecycleEvent refusal = fixture.Events[^1];
        Assert.Equal(Gate.G3, refusal.Verdict!.Gate);
        Assert.StartsWith("refused: alpha", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_culled_seed_serves_its_embargo()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { EmbargoEpochs = 2 });
        fixture.ToTraining(First);
        Assert.True(fixture.Execute(new CullCommand("c", "test", First, "no use")));
        Assert.Empty(fixture.Executor.Modules);
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
        Assert.False(fixture.Germinate(First));
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Dormant, fixture.Lifecycle.StageOf(First));
        SeedObservation seed = fixture.Lifecycle.Observations(new Dictionary<SeedId, GrowthSignal>())[0];
        Assert.Equal(["bottleneck-4"], seed.RejectedBlueprints.AsEnumerable());
        Assert.Null(seed.Blueprint);
        Assert.Equal(0, fixture.Lifecycle.TotalCost.Parameters);
    }

    [Fact]
    public void Isolation_that_was_not_checked_or_not_kept_is_fatal()
    {
        using LifecycleFixture unchecked_ = new();
        unchecked_.Germinate(First);
        unchecked_.Lifecycle.BeginTraining();
        Assert.Equal(SeedStage.Embargoed, unchecked_.Lifecycle.StageOf(First));
        Assert.Contains(unchecked_.Events, e => e.Reason.Contains("isolation check was not run", StringComparison.Ordinal));

        using LifecycleFixture leaking = new();
        leaking.Germinate(First);
        leaking.Lifecycle.AddIsolation(First, 0.99);
        leaking.Lifecycle.BeginTraining();
        Assert.Equal(SeedStage.Embargoed, leaking.Lifecycle.StageOf(First));
    }

    [Fact]
    public void Without_telemetry_nothing_blends()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
        Assert.Contains(fixture.Events, e => e.Reason.Contains("telemetry.seed_every_steps", StringComparison.Ordinal));
    }

    [Fact]
    public void A_module_without_a_lasting_signal_waits_and_is_culled_at_the_limit()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { TrainingLimit = 2 }) { Agreement = 0.05 };
        fixture.ToTraining(First);
        fixture.Observe(First, alignment: 0.3);
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Training, fixture.Lifecycle.StageOf(First));
        fixture.Observe(First, alignment: 0.3);
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
    }

    [Fact]
    public void A_loss_beyond_its_band_removes_what_is_blended()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { LossBand = 1.5 });
        fixture.ToHolding(First);
        fixture.EndEpoch(loss: 1.6, reference: 1);
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
        Assert.Contains(fixture.Events, e => e.Verdict is { Gate: Gate.G4, Passed: false });
    }

    [Fact]
    public void Fossilizing_needs_enough_evaluations_and_a_gain()
    {
        using LifecycleFixture fixture = new();
        fixture.ToHolding(First);
        FossilizeCommand command = new("f", "test", First, "now");
        Assert.False(fixture.Execute(command));
        Assert.Contains("never evaluated", fixture.Events[^1].Reason, StringComparison.Ordinal);
        fixture.Lifecycle.AddGain(First, Good);
        Assert.False(fixture.Execute(command));
        Assert.Contains("evaluations of the gain", fixture.Events[^1].Reason, StringComparison.Ordinal);
        fixture.Lifecycle.AddGain(First, Bad);
        Assert.False(fixture.Execute(command));
        Assert.Equal(SeedStage.Holding, fixture.Lifecycle.StageOf(First));
    }

    [Fact]
    public void Holding_ends_at_its_limit()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { HoldingLimit = 2 });
        fixture.ToHolding(First);
        fixture.EndEpoch();
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Holding, fixture.Lifecycle.StageOf(First));
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
    }

    [Fact]
    public void Of_several_at_their_limit_one_goes_an_epoch_and_the_least_worthy_first()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { HoldingLimit = 2 });
        SeedId[] seeds = [First, new(0, 1), new(1, 0)];
        fixture.ToHolding(seeds);
        double[] worth = [0.02, 0.03, 0.01];
        foreach ((SeedId seed, double gain) in seeds.Zip(worth))
        {
            fixture.Lifecycle.AddGain(seed, new GainEstimate(gain, 1, 0, 0));
        }

        SeedStage[] Stages() => [.. seeds.Select(fixture.Lifecycle.StageOf)];
        fixture.EndEpoch();
        fixture.EndEpoch();
        Assert.Equal([SeedStage.Holding, SeedStage.Holding, SeedStage.Holding], Stages());
        fixture.EndEpoch();
        Assert.Equal([SeedStage.Holding, SeedStage.Holding, SeedStage.Embargoed], Stages());
        Assert.Contains("no sufficient gain within 2 epochs", fixture.Events.Last(e => e.To == SeedStage.Culled).Reason, StringComparison.Ordinal);

        // What the others are worth without it is measured before the next one goes.
        fixture.Lifecycle.AddGain(First, new GainEstimate(0.09, 1, 0, 0));
        fixture.EndEpoch();
        Assert.Equal([SeedStage.Holding, SeedStage.Embargoed, SeedStage.Embargoed], Stages());
    }

    [Fact]
    public void Nothing_goes_for_its_age_when_no_training_follows()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { HoldingLimit = 1 });
        fixture.ToHolding(First);
        fixture.EndEpoch();
        fixture.EndEpoch(last: true);
        Assert.Equal(SeedStage.Holding, fixture.Lifecycle.StageOf(First));
        fixture.EndEpoch();
        Assert.Equal(SeedStage.Embargoed, fixture.Lifecycle.StageOf(First));
    }

    [Fact]
    public void The_budget_is_kept()
    {
        // bottleneck-4 on 8 channels: 2 * 8 * 4 + 4 + 8 = 76 parameters; affine: 16.
        using LifecycleFixture fixture = new(budget: new GrowthBudget(100, 1e9));
        Assert.True(fixture.Germinate(First));
        Assert.False(fixture.Germinate(new SeedId(0, 1)));
        LifecycleEvent refusal = fixture.Events[^1];
        Assert.Equal(Gate.G0, refusal.Verdict!.Gate);
        Assert.Contains("parameters of the module, at most 24, is 76", refusal.Reason, StringComparison.Ordinal);
        Assert.Equal(SeedStage.Dormant, refusal.To);
        Assert.Equal(["affine"], fixture.Lifecycle.Observations(new Dictionary<SeedId, GrowthSignal>())[1].Affordable.AsEnumerable());
    }

    [Theory]
    [InlineData("magic", "'magic' is no blueprint")]
    [InlineData("lowrank-0", "1 to 4096")]
    public void An_unknown_blueprint_is_refused_with_the_reason(string blueprint, string expected)
    {
        using LifecycleFixture fixture = new();
        Assert.False(fixture.Germinate(First, blueprint));
        Assert.Contains(expected, Assert.Single(fixture.Events).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_in_the_wrong_stage_changes_nothing()
    {
        using LifecycleFixture fixture = new();
        Assert.False(fixture.Execute(new CullCommand("c", "test", First, "x")));
        Assert.False(fixture.Execute(new FossilizeCommand("f", "test", First, "x")));
        fixture.Germinate(First);
        Assert.False(fixture.Germinate(First));
        Assert.Equal(SeedStage.Germinated, fixture.Lifecycle.StageOf(First));
        Assert.Throws<EsperException>(() => fixture.Germinate(new SeedId(9, 9)));
    }

    [Fact]
    public void A_fault_removes_everything_live_and_nothing_else()
    {
        using LifecycleFixture fixture = new();
        fixture.ToHolding(First);
        fixture.EndEpoch();
        fixture.Lifecycle.AddGain(First, Good);
        fixture.Lifecycle.AddGain(First, Good);
        fixture.Execute(new FossilizeCommand("f", "test", First, "keep"));
        fixture.ToTraining(new SeedId(1, 0));
        fixture.Germinate(new SeedId(1, 1));
        Assert.Equal(2, fixture.Lifecycle.CullAllLive("test", "fault"));
        Assert.Equal([First], fixture.Executor.Modules.Keys);
    }

    [Fact]
    public void A_snapshot_brings_everything_back()
    {
        using LifecycleFixture original = new();
        original.ToHolding(First);
        original.EndEpoch();
        original.Lifecycle.AddGain(First, Good);
        original.ToTraining(new SeedId(1, 0));
        original.Observe(new SeedId(1, 0), alignment: -0.3);
        original.Germinate(new SeedId(0, 1));
        original.Execute(new CullCommand("c", "test", new SeedId(0, 1), "x"));

        using LifecycleFixture copy = new();
        copy.Lifecycle.Load(original.Lifecycle.Save());
        Assert.Equal(original.Lifecycle.Reports().AsEnumerable(), copy.Lifecycle.Reports());
        Assert.Equal(original.Executor.Modules, copy.Executor.Modules);
        original.EndEpoch();
        copy.EndEpoch();
        Assert.Equal(
            original.Lifecycle.Reports().Select(seed => (seed.Stage, seed.Age)),
            copy.Lifecycle.Reports().Select(seed => (seed.Stage, seed.Age)));
    }

    [Fact]
    public void A_snapshot_of_another_lattice_is_refused()
    {
        using LifecycleFixture fixture = new();
        EsperException error = Assert.Throws<EsperException>(() => fixture.Lifecycle.Load(fixture.Lifecycle.Save()[..3]));
        Assert.Contains("3 seeds", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Policies_are_offered_what_suits_the_site_by_its_canonical_name()
    {
        using LifecycleFixture fixture = new(blueprints: ["GATE-2-gelu", "depthwise-3", "Affine"]);
        ImmutableArray<SeedObservation> seeds = fixture.Lifecycle.Observations(new Dictionary<SeedId, GrowthSignal>());
        Assert.Equal(["gate-2", "depthwise-3", "affine"], seeds[0].Affordable.AsEnumerable());
        Assert.Equal(["affine"], seeds[2].Affordable.AsEnumerable());
    }

    [Fact]
    public void A_command_for_a_blueprint_that_does_not_suit_the_site_is_refused_with_the_reason()
    {
        using LifecycleFixture fixture = new();
        SeedId token = new(1, 0);
        Assert.False(fixture.Germinate(token, "gate-2"));
        Assert.Equal(SeedStage.Dormant, fixture.Lifecycle.StageOf(token));
        Assert.Contains("refused: 'gate-2' mixes the positions", fixture.Events.Single().Reason, StringComparison.Ordinal);
        Assert.Equal(Gate.G0, fixture.Events.Single().Verdict!.Gate);
    }

    [Fact]
    public void Dead_units_are_reported_as_a_mean_and_survive_a_checkpoint()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        fixture.Observe(First, alignment: 0);
        Assert.Null(fixture.Lifecycle.Reports()[0].DeadFraction);
        fixture.Lifecycle.ClearTelemetry();
        fixture.Observe(First, alignment: 0, dead: 0.25);
        fixture.Observe(First, alignment: 0, dead: 0.75);
        Assert.Equal(0.5, fixture.Lifecycle.Reports()[0].DeadFraction);
        using LifecycleFixture copy = new();
        copy.Lifecycle.Load(fixture.Lifecycle.Save());
        Assert.Equal(0.5, copy.Lifecycle.Reports()[0].DeadFraction);
        fixture.Lifecycle.ClearTelemetry();
        Assert.Null(fixture.Lifecycle.Reports()[0].DeadFraction);
    }

    [Fact]
    public void Reports_carry_the_means_of_an_epoch()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        fixture.Observe(First, alignment: -0.2, gradient: 3);
        fixture.Observe(First, alignment: -0.4, gradient: 5);
        SeedReport report = fixture.Lifecycle.Reports()[0];
        Assert.Equal(0.5, report.ActivationRatio);
        Assert.Equal(4, report.GradientRatio);
        Assert.Equal(-0.3, report.Alignment!.Value, 12);
        Assert.Null(fixture.Lifecycle.Reports()[1].ActivationRatio);
    }
}

using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class GraftOutcomeTests
{
    private static readonly SeedId First = LifecycleFixture.First;
    private static readonly SeedId Second = new(1, 0);

    [Fact]
    public void A_graft_pays_when_it_ends_and_not_before()
    {
        using LifecycleFixture fixture = new();
        fixture.Lifecycle.SetTime(3, 30);
        fixture.ToHolding(First);
        fixture.EndEpoch();
        fixture.Lifecycle.AddGain(First, new GainEstimate(0.04, 0.01, 0, 0));
        fixture.Lifecycle.AddGain(First, new GainEstimate(0.06, 0.03, 0, 0));
        GraftOutcome pending = Assert.Single(fixture.Lifecycle.Outcomes);
        Assert.True(pending.IsPending);
        Assert.Null(pending.Reward);
        Assert.Equal((0, First, "bottleneck-4", "test"), (pending.Id, pending.Seed, pending.Blueprint, pending.Issuer));

        // bottleneck-4 on 8 channels: 2 * 8 * 4 + 4 + 8 parameters.
        Assert.Equal((3, 76), (pending.EpochGerminated, pending.Parameters));
        fixture.Lifecycle.SetTime(7, 70);
        Assert.True(fixture.Lifecycle.Execute(fixture.Door.Admit(new FossilizeCommand("f", "judge", First, "worth it"))));
        GraftOutcome ended = Assert.Single(fixture.Lifecycle.Outcomes);
        Assert.Equal(new GraftEnding(7, GraftEnd.Fossilized, SeedStage.Holding, "judge", "worth it"), ended.Ending);
        Assert.Equal(new Estimate(0.05, 0.02), ended.Reward);
    }

    [Fact]
    public void A_graft_that_was_never_evaluated_ends_without_a_reward()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { EmbargoEpochs = 0 });
        fixture.ToTraining(First);
        fixture.Lifecycle.CullAllLive("fault handler", "broken");
        GraftOutcome ended = Assert.Single(fixture.Lifecycle.Outcomes);
        Assert.Equal((GraftEnd.Culled, SeedStage.Training, "fault handler"), (ended.Ending!.Kind, ended.Ending.From, ended.Ending.Issuer));
        Assert.Null(ended.Reward);

        // The next module at the same seed is a graft of its own.
        fixture.EndEpoch();
        Assert.True(fixture.Germinate(First, "affine"));
        Assert.Equal([(0, false), (1, true)], fixture.Lifecycle.Outcomes.Select(graft => (graft.Id, graft.IsPending)));
    }

    [Fact]
    public void A_graft_records_what_was_known_of_its_place()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        Dictionary<SeedId, GrowthSignal> growth = new() { [Second] = new GrowthSignal(0.3, 0.8) };
        fixture.Lifecycle.SetDecision(new SystemState(
            1, 10, 7, [new(1, 1, 1, 1, 1)], fixture.Lifecycle.Observations(growth), fixture.Lifecycle.Outcomes, new(1000, 1000, 1, 1)));
        Assert.True(fixture.Germinate(Second));
        fixture.Lifecycle.SetDecision(null);
        Assert.True(fixture.Germinate(new SeedId(1, 1)));
        Assert.Equal(
            [new GraftContext(8, 16, 0, null), new GraftContext(4, 4, 1, new GrowthSignal(0.3, 0.8)), new GraftContext(4, 4, 2, null)],
            fixture.Lifecycle.Outcomes.Select(graft => graft.Context));
    }

    [Fact]
    public void Outcomes_survive_a_checkpoint()
    {
        using LifecycleFixture original = new();
        original.ToHolding(First);
        original.EndEpoch();
        original.Lifecycle.AddGain(First, new GainEstimate(0.04, 0.01, 0, 0));
        original.Lifecycle.Execute(original.Door.Admit(new CullCommand("c", "test", First, "x")));
        original.ToTraining(Second);
        using LifecycleFixture copy = new();
        copy.Lifecycle.Load(original.Lifecycle.Save());
        Assert.Equal(2, copy.Lifecycle.Outcomes.Length);
        Assert.Equal(original.Lifecycle.Outcomes.AsEnumerable(), copy.Lifecycle.Outcomes);
    }

    [Fact]
    public void Signals_are_the_means_of_the_telemetry()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        Assert.Null(Observe(fixture).Signals);
        fixture.Observe(First, alignment: -0.2, gradient: 3, dead: 0.5);
        fixture.Observe(First, alignment: -0.4, gradient: 5, dead: 0);
        fixture.Observe(First, alignment: 0.3, gradient: 4, dead: 0.25);
        SeedSignals signals = Observe(fixture).Signals!;
        Assert.Equal((3, 4.0, 0.5, 0.25), (signals.Samples, signals.GradientRatio, signals.ActivationRatio, signals.DeadFraction));
        Assert.Equal(-0.1, signals.Alignment, 12);

        // RMS 4 over 76 parameters; signs -, -, +.
        Assert.Equal(4 * Math.Sqrt(76), signals.GradientNorm, 12);
        Assert.Equal(1.0 / 3, signals.SignStability, 12);
        using LifecycleFixture copy = new();
        copy.Lifecycle.Load(fixture.Lifecycle.Save());
        Assert.Equal(signals, Observe(copy).Signals);
    }

    [Fact]
    public void A_step_that_was_not_finite_is_no_sample()
    {
        using LifecycleFixture fixture = new();
        fixture.ToTraining(First);
        fixture.Observe(First, alignment: -0.2);
        fixture.Observe(First, alignment: double.NaN);
        fixture.Observe(First, alignment: 0, gradient: double.PositiveInfinity);
        Assert.Equal(1, Observe(fixture).Signals!.Samples);
        Assert.Equal(-0.2, Observe(fixture).Signals!.Alignment);
    }

    private static SeedObservation Observe(LifecycleFixture fixture) =>
        fixture.Lifecycle.Observations(new Dictionary<SeedId, GrowthSignal>())[0];
}

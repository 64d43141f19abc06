using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

/// <summary>Quarantine, veto and going back.</summary>
public sealed class SeedSafetyTests
{
    private static readonly SeedId Neighbour = new(0, 1);
    private static readonly SeedId Elsewhere = new(1, 0);

    [Fact]
    public void A_quarantined_arm_does_not_germinate_on_any_seed_of_its_site()
    {
        using LifecycleFixture fixture = new();
        fixture.Lifecycle.Quarantine(new SeedArm(0, "bottleneck-4"));
        Assert.False(fixture.Germinate(LifecycleFixture.First));
        Assert.False(fixture.Germinate(Neighbour));
        Assert.All(fixture.Events, refusal => Assert.Contains("bottleneck-4 at site 0 is quarantined", refusal.Reason, StringComparison.Ordinal));
        Assert.True(fixture.Germinate(LifecycleFixture.First, "affine"));
        Assert.True(fixture.Germinate(Elsewhere));
    }

    [Fact]
    public void Policies_are_not_offered_a_quarantined_arm()
    {
        using LifecycleFixture fixture = new();
        fixture.Lifecycle.Quarantine(new SeedArm(0, "bottleneck-4"));
        ImmutableArray<SeedObservation> seen = fixture.Lifecycle.Observations(new Dictionary<SeedId, GrowthSignal>());
        Assert.All(seen, seed => Assert.Equal(
            seed.Seed.Site == 0 ? ["affine"] : ["bottleneck-4", "affine"], seed.Affordable.ToArray()));
    }

    [Theory]
    [InlineData(SeedStage.Germinated)]
    [InlineData(SeedStage.Training)]
    [InlineData(SeedStage.Blending)]
    [InlineData(SeedStage.Holding)]
    public void A_veto_keeps_a_seed_where_it_is_until_it_is_lifted(SeedStage forbidden)
    {
        using LifecycleFixture fixture = new();
        fixture.Lifecycle.Veto = (_, to) => to == forbidden ? "not now" : null;
        Advance(fixture);
        Assert.Equal(forbidden - 1, fixture.Lifecycle.StageOf(LifecycleFixture.First));
        Assert.Contains(fixture.Events, change => change.From == change.To && change.Reason == "refused: not now");
        fixture.Lifecycle.Veto = null;
        Advance(fixture);
        Assert.Equal(SeedStage.Holding, fixture.Lifecycle.StageOf(LifecycleFixture.First));
    }

    [Fact]
    public void Fossilizing_can_be_vetoed_and_culling_cannot()
    {
        using LifecycleFixture fixture = new(new LifecycleOptions { GainEvaluations = 2, RentPerHost = 0 });
        fixture.ToHolding(LifecycleFixture.First);
        fixture.Lifecycle.AddGain(LifecycleFixture.First, new GainEstimate(1, 0.1, 0.1, 0.01));
        fixture.Lifecycle.AddGain(LifecycleFixture.First, new GainEstimate(1, 0.1, 0.1, 0.01));
        fixture.Lifecycle.Veto = (_, _) => "not now";
        Assert.False(fixture.Lifecycle.Execute(fixture.Door.Admit(new FossilizeCommand("f", "test", LifecycleFixture.First, "pays"))));
        Assert.Equal(SeedStage.Holding, fixture.Lifecycle.StageOf(LifecycleFixture.First));
        Assert.True(fixture.Lifecycle.Execute(fixture.Door.Admit(new CullCommand("c", "test", LifecycleFixture.First, "harms"))));
    }

    [Fact]
    public void Rewinding_brings_back_records_and_leaves_the_executor_alone()
    {
        using LifecycleFixture fixture = new();
        fixture.ToBlending(LifecycleFixture.First);
        for (int step = 0; step < 2; step++)
        {
            fixture.Lifecycle.BeginStep();
        }

        ImmutableArray<SeedSnapshot> saved = fixture.Lifecycle.Save();
        ModuleCost cost = fixture.Lifecycle.TotalCost;
        ImmutableArray<SeedArm> live = fixture.Lifecycle.LiveArms();
        fixture.Germinate(Elsewhere);
        fixture.Lifecycle.CullAllLive("test", "for a change");
        fixture.Lifecycle.Quarantine(new SeedArm(1, "bottleneck-4"));
        Assert.Empty(fixture.Lifecycle.LiveArms());
        Assert.Empty(fixture.Executor.Modules);
        int told = fixture.Events.Count;

        fixture.Lifecycle.Rewind(saved);
        Assert.Equal(SavedText(saved), SavedText(fixture.Lifecycle.Save()));
        Assert.Equal(cost, fixture.Lifecycle.TotalCost);
        Assert.Equal(live.ToArray(), fixture.Lifecycle.LiveArms().ToArray());
        Assert.Equal([new SeedArm(0, "bottleneck-4")], live.ToArray());
        Assert.Empty(fixture.Executor.Modules);
        Assert.Equal(told, fixture.Events.Count);
        Assert.Equal([new SeedArm(1, "bottleneck-4")], fixture.Lifecycle.Quarantined.ToArray());
    }

    [Fact]
    public void A_trial_is_the_module_that_would_be_born()
    {
        using LifecycleFixture fixture = new();
        (Native.LatticeSeed description, float[] parameters) = fixture.Lifecycle.Trial(LifecycleFixture.First, "bottleneck-4");
        Assert.Equal((SeedStage.Holding, 1f), (description.Stage, description.Alpha));
        Assert.Empty(fixture.Executor.Modules);
        Assert.True(fixture.Germinate(LifecycleFixture.First));
        Assert.Equal(fixture.Executor.Parameters[LifecycleFixture.First], parameters);
        Assert.Throws<EsperException>(() => fixture.Lifecycle.Trial(Elsewhere, "gate-2"));
        Assert.Throws<EsperException>(() => fixture.Lifecycle.Trial(Elsewhere, "no-such"));
    }

    private static string SavedText(ImmutableArray<SeedSnapshot> seeds) =>
        string.Join(";", seeds.Select(seed => $"{seed.Seed} {seed.State} {seed.Blueprint} {seed.BlendStep} {seed.Germinations} "
            + $"{seed.Isolation} {seed.Gains.Length} {string.Join(",", seed.Rejected)} {seed.Telemetry}"));

    private static void Advance(LifecycleFixture fixture)
    {
        SeedId seed = LifecycleFixture.First;
        fixture.Germinate(seed);
        if (fixture.Lifecycle.StageOf(seed) == SeedStage.Germinated)
        {
            fixture.Lifecycle.AddIsolation(seed, 1);
        }

        fixture.Lifecycle.BeginTraining();
        for (int epoch = 0; epoch < 2; epoch++)
        {
            fixture.Observe(seed, alignment: -0.2);
            fixture.EndEpoch();
            for (int step = 0; step < 10; step++)
            {
                fixture.Lifecycle.BeginStep();
            }
        }
    }
}

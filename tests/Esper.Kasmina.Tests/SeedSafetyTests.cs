using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

/// <summary>Going back, and trying out.</summary>
public sealed class SeedSafetyTests
{
    private static readonly SeedId Elsewhere = new(1, 0);

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
}

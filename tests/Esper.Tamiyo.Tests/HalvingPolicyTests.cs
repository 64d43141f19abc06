using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Policies;

namespace Esper.Tamiyo.Tests;

public sealed class HalvingPolicyTests
{
    private static readonly PolicyOptions Options = new() { Kind = "halving", Cohort = 4, MaximumLive = 8 };

    [Fact]
    public void A_cohort_germinates_at_once_on_different_seeds_with_different_arms()
    {
        SystemState state = States.After(
            [1.0], States.Dormant(0, 0), States.Dormant(0, 1), States.Dormant(1, 0), States.Dormant(1, 1), States.Dormant(2, 0));
        GerminateCommand[] grown = [.. new HalvingPolicy(Options).Decide(state).Cast<GerminateCommand>()];
        Assert.Equal(4, grown.Length);
        Assert.Equal(4, grown.Select(command => command.Seed).Distinct().Count());
        Assert.Equal(4, grown.Select(command => (command.Seed.Site, command.Blueprint)).Distinct().Count());
    }

    [Fact]
    public void No_cohort_starts_while_one_lives()
    {
        SystemState state = States.After([1.0], BanditPolicyTests.Live(0, 0), States.Dormant(1, 0)) with
        {
            Outcomes = [BanditPolicyTests.Pending(0, 0, 0, "bottleneck-8")],
        };
        Assert.Empty(new HalvingPolicy(Options).Decide(state));
    }

    [Theory]
    [InlineData(new[] { 0.05, 0.01, 0.03, 0.02 }, new[] { 1, 3 })]
    [InlineData(new[] { 0.01, 0.05, 0.02 }, new[] { 0 })]
    [InlineData(new[] { -0.01, -0.02, -0.03, -0.04, -0.05 }, new[] { 3, 4 })]
    public void A_rung_keeps_the_better_half(double[] gains, int[] culled)
    {
        ImmutableArray<LifecycleCommand> commands = new HalvingPolicy(Options).Decide(Cohort(gains, evaluations: 2));
        Assert.All(commands, command => Assert.IsType<CullCommand>(command));
        Assert.Equal(culled, commands.Select(command => command.Seed.Seed));
    }

    [Fact]
    public void A_rung_waits_until_all_are_measured()
    {
        SystemState state = Cohort([0.05, 0.01, 0.03, 0.02], evaluations: 2);
        SystemState early = state with { Seeds = state.Seeds.SetItem(2, States.Holding(0, 2, 0.03, 0.001, evaluations: 1)) };
        Assert.Empty(new HalvingPolicy(Options).Decide(early));
    }

    [Fact]
    public void Later_rungs_ask_for_more_evaluations()
    {
        // Two of four are left: rung 1, which wants three evaluations.
        Assert.Empty(new HalvingPolicy(Options).Decide(Cohort([0.05, 0.03], evaluations: 2, size: 4)));
        LifecycleCommand command = Assert.Single(new HalvingPolicy(Options).Decide(Cohort([0.05, 0.03], evaluations: 3, size: 4)));
        Assert.Equal(new SeedId(0, 1), Assert.IsType<CullCommand>(command).Seed);
    }

    [Fact]
    public void The_last_one_is_judged_by_its_interval()
    {
        Assert.IsType<FossilizeCommand>(
            Assert.Single(new HalvingPolicy(Options).Decide(Cohort([0.05], evaluations: 4, size: 4))));
        Assert.IsType<CullCommand>(
            Assert.Single(new HalvingPolicy(Options).Decide(Cohort([-0.05], evaluations: 4, size: 4))));
    }

    [Fact]
    public void As_many_are_kept_as_asked_for()
    {
        HalvingPolicy policy = new(Options with { CohortKeep = 2 });
        Assert.Equal([0, 1], policy.Decide(Cohort([0.05, 0.03], evaluations: 2, size: 4))
            .Select(command => Assert.IsType<FossilizeCommand>(command).Seed.Seed));
    }

    /// <summary>Holding seeds 0.0, 0.1, ... of one cohort; members beyond them have been culled.</summary>
    private static SystemState Cohort(double[] gains, int evaluations, int size = 0)
    {
        size = Math.Max(size, gains.Length);
        return States.After(
            [1, 1, 1, 1],
            [
                .. gains.Select((gain, i) => States.Holding(0, i, gain, 0.001, evaluations)),
                .. Enumerable.Range(gains.Length, size - gains.Length).Select(i => States.In(SeedStage.Embargoed, 0, i) with { Blueprint = null }),
            ]) with
        {
            Outcomes =
            [
                .. Enumerable.Range(0, size).Select(i => i < gains.Length
                    ? BanditPolicyTests.Pending(i, 0, i, "bottleneck-8")
                    : BanditPolicyTests.Ended(i, 0, i, "bottleneck-8", -1, culledAt: 3)),
            ],
        };
    }
}

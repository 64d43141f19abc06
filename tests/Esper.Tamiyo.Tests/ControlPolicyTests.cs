using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Policies;

namespace Esper.Tamiyo.Tests;

public sealed class ControlPolicyTests
{
    private static readonly SystemState Open = States.After(
        [1.0], States.Dormant(0, 0), States.Dormant(0, 1), States.Dormant(1, 0), States.Dormant(1, 1));

    [Fact]
    public void None_does_nothing_ever()
    {
        Assert.Empty(new NonePolicy().Decide(States.After([1.0], States.Holding(0, 0, 1, 0.1), States.Dormant(0, 1))));
        Assert.False(new NonePolicy().NeedsProbe(Open));
    }

    [Fact]
    public void Schedule_goes_over_the_sites_in_turn()
    {
        PolicyOptions options = new() { MaximumGerminations = 3, MaximumLive = 8 };
        Assert.Equal(
            [new SeedId(0, 0), new SeedId(1, 0), new SeedId(0, 1)],
            new SchedulePolicy(options).Decide(Open).Select(command => command.Seed));
    }

    [Fact]
    public void Schedule_keeps_its_interval()
    {
        SchedulePolicy policy = new(new PolicyOptions { StartEpoch = 2, ScheduleInterval = 3 });
        int[] epochs = [.. Enumerable.Range(1, 9).Where(epoch => !policy.Decide(Open with { Epoch = epoch }).IsEmpty)];
        Assert.Equal([2, 5, 8], epochs);
    }

    [Fact]
    public void Blind_policies_leave_the_judgement_of_holding_seeds_to_the_gate()
    {
        SystemState state = States.After([1.0], States.Holding(0, 0, -1, 0.1), States.Holding(0, 1, 1, 0.1, evaluations: 1));
        foreach (IGrowthPolicy policy in new IGrowthPolicy[] { new SchedulePolicy(new()), new RandomPolicy(new()) })
        {
            FossilizeCommand command = Assert.IsType<FossilizeCommand>(Assert.Single(policy.Decide(state)));
            Assert.Equal(new SeedId(0, 0), command.Seed);
        }
    }

    [Fact]
    public void Random_is_a_function_of_seed_and_epoch()
    {
        RandomPolicy policy = new(new PolicyOptions { RandomProbability = 1 });
        Assert.Equal(policy.Decide(Open).AsEnumerable(), policy.Decide(Open));
        HashSet<SeedId> chosen = [];
        for (long seed = 0; seed < 50; seed++)
        {
            chosen.UnionWith(policy.Decide(Open with { RunSeed = seed }).Select(command => command.Seed));
        }

        Assert.Equal(4, chosen.Count);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 2)]
    public void Random_keeps_its_probability(double probability, int expected) =>
        Assert.Equal(expected, new RandomPolicy(new PolicyOptions { RandomProbability = probability }).Decide(Open).Length);

    [Fact]
    public void Random_never_names_a_seed_twice()
    {
        RandomPolicy policy = new(new PolicyOptions { RandomProbability = 1, MaximumGerminations = 9, MaximumLive = 9 });
        Assert.Equal(4, policy.Decide(Open).Select(command => command.Seed).Distinct().Count());
    }

    [Fact]
    public void Unaffordable_seeds_are_passed_over()
    {
        SystemState state = States.After([1.0], States.Dormant(0, 0) with { Affordable = [] });
        Assert.Empty(new SchedulePolicy(new()).Decide(state));
        Assert.Empty(new RandomPolicy(new() { RandomProbability = 1 }).Decide(state));
    }

    [Fact]
    public void Policies_are_made_by_name()
    {
        Assert.All(GrowthPolicies.Names, name => Assert.Equal(name, GrowthPolicies.Create(new() { Kind = name }).Name));
        EsperException error = Assert.Throws<EsperException>(() => GrowthPolicies.Create(new() { Kind = "magic" }));
        Assert.Contains("policy.kind: 'magic'", error.Message, StringComparison.Ordinal);
    }
}

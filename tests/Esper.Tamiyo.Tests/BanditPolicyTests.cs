using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Tests;

public sealed class BanditPolicyTests
{
    private static readonly GrowthSignal Probed = new(0.2, 0.5);

    private static readonly SystemState Open = States.After(
        [1.0, 1.0, 1.0], States.Dormant(0, 0, Probed), States.Dormant(0, 1, Probed), States.Dormant(1, 0, Probed), States.Dormant(1, 1, Probed));

    public static TheoryData<string> Bandits => ["epsilon-greedy", "ucb1", "thompson", "linucb", "linear-thompson"];

    public static TheoryData<string> Learners => [.. Bandits, "halving"];

    [Theory]
    [MemberData(nameof(Learners))]
    public void A_decision_is_a_function_of_the_state(string kind)
    {
        IGrowthPolicy policy = Create(kind);
        SystemState other = Open with { Outcomes = [Ended(0, 1, 0, "affine", 0.1)], RunSeed = 77 };
        string[] first = Text(policy.Decide(Open));
        policy.Decide(other);
        Assert.Equal(first, Text(policy.Decide(Open)));
        Assert.Equal(first, Text(Create(kind).Decide(Open)));
        Assert.NotEmpty(first);
    }

    [Theory]
    [MemberData(nameof(Bandits))]
    public void What_has_paid_is_done_again_and_what_has_not_is_avoided(string kind)
    {
        // affine has paid at site 1 and failed at site 0; bottleneck-8 has failed at both.
        SystemState state = Open with
        {
            Outcomes =
            [
                .. Enumerable.Range(0, 12).SelectMany(i => new[]
                {
                    Ended(4 * i, 1, 0, "affine", 0.2, culledAt: null), Ended((4 * i) + 1, 0, 0, "affine", -0.2),
                    Ended((4 * i) + 2, 0, 0, "bottleneck-8", -0.2), Ended((4 * i) + 3, 1, 0, "bottleneck-8", -0.2),
                }),
            ],
        };
        PolicyOptions options = new() { Kind = kind, MaximumGerminations = 1, CooldownEpochs = 0, Epsilon = 0, Exploration = 0.1 };
        for (long seed = 0; seed < 20; seed++)
        {
            GerminateCommand command = Assert.IsType<GerminateCommand>(
                Assert.Single(GrowthPolicies.Create(options).Decide(state with { RunSeed = seed })));
            Assert.Equal((1, "affine"), (command.Seed.Site, command.Blueprint));
        }
    }

    [Theory]
    [MemberData(nameof(Bandits))]
    public void What_does_not_pay_its_rent_is_not_grown(string kind)
    {
        PolicyOptions options = new() { Kind = kind, RentParameters = 1e6, Epsilon = 0 };
        GerminateCommand[] grown = [.. GrowthPolicies.Create(options).Decide(Open).OfType<GerminateCommand>()];

        // UCB1 tries what it does not know, whatever it costs.
        Assert.Equal(kind == "ucb1", grown.Length > 0);
    }

    [Theory]
    [MemberData(nameof(Bandits))]
    public void An_arm_whose_reward_is_to_come_is_not_pulled_again(string kind)
    {
        SystemState state = States.After(
            [1.0, 1.0], Live(0, 0), States.Dormant(0, 1, Probed) with { Affordable = ["bottleneck-8"] }) with
        {
            Outcomes = [Pending(0, 0, 0, "bottleneck-8")],
        };
        Assert.Empty(Create(kind).Decide(state));
        PolicyOptions two = new() { Kind = kind, MaximumPending = 2, Epsilon = 0 };
        Assert.Single(GrowthPolicies.Create(two).Decide(state));
    }

    [Fact]
    public void One_decision_does_not_pull_an_arm_twice_either()
    {
        PolicyOptions options = new() { Kind = "ucb1", MaximumGerminations = 4, MaximumLive = 9 };
        (int, string)[] arms =
            [.. GrowthPolicies.Create(options).Decide(Open).Cast<GerminateCommand>().Select(c => (c.Seed.Site, c.Blueprint))];
        Assert.Equal(4, arms.Length);
        Assert.Equal(4, arms.Distinct().Count());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public void An_arm_cools_down_after_a_cull(int culledAt, bool cools)
    {
        SystemState state = States.After([1, 1, 1], States.Dormant(0, 0, Probed) with { Affordable = ["affine"] }) with
        {
            Outcomes = [Ended(0, 0, 0, "affine", 0.5, culledAt)],
        };
        PolicyOptions options = new() { Kind = "thompson", CooldownEpochs = 2, PriorGain = 1 };
        Assert.Equal(cools, GrowthPolicies.Create(options).Decide(state).IsEmpty);
    }

    [Fact]
    public void A_blueprint_is_capped_and_culled_ones_do_not_count()
    {
        PolicyOptions options = new() { Kind = "ucb1", BlueprintCap = 2, MaximumGerminations = 9, MaximumLive = 9, MaximumPending = 9 };
        SystemState state = Open with
        {
            Seeds = [.. Open.Seeds.Select(seed => seed with { Affordable = ["affine"] })],
            Outcomes = [Ended(0, 0, 0, "affine", 0.5, culledAt: 1), Ended(1, 1, 0, "affine", 0.5, culledAt: null)],
        };
        Assert.Single(GrowthPolicies.Create(options with { CooldownEpochs = 0 }).Decide(state));
    }

    [Fact]
    public void The_budget_holds_over_all_germinations_of_a_decision()
    {
        // bottleneck-8 on 8 channels has 144 parameters, affine 16.
        PolicyOptions options = new() { Kind = "ucb1", MaximumGerminations = 4, MaximumLive = 9 };
        SystemState state = Open with { Allowance = Open.Allowance with { ParametersLeft = 170 } };
        for (long seed = 0; seed < 20; seed++)
        {
            string[] grown = [.. GrowthPolicies.Create(options).Decide(state with { RunSeed = seed })
                .Cast<GerminateCommand>().Select(command => command.Blueprint)];
            Assert.True(grown.Sum(name => name == "affine" ? 16 : 144) <= 170, string.Join(' ', grown));
        }
    }

    [Fact]
    public void Holding_seeds_are_judged_by_their_interval()
    {
        SystemState state = States.After([1.0], States.Holding(0, 0, 0.01, 0.004), States.Holding(0, 1, -0.01, 0.004));
        Assert.Equal(
            [typeof(FossilizeCommand), typeof(CullCommand)],
            Create("thompson").Decide(state).Select(command => command.GetType()));
    }

    [Theory]
    [InlineData("linucb", true)]
    [InlineData("linear-thompson", true)]
    [InlineData("ucb1", false)]
    [InlineData("thompson", false)]
    public void Contextual_policies_need_the_probe_and_say_when_it_is_missing(string kind, bool contextual)
    {
        IGrowthPolicy policy = Create(kind);
        SystemState blind = Open with { Seeds = [.. Open.Seeds.Select(seed => seed with { Growth = null })] };
        Assert.Equal(contextual, policy.NeedsProbe(blind));
        if (contextual)
        {
            EsperException error = Assert.Throws<EsperException>(() => policy.Decide(blind));
            Assert.Contains("seeds[0.0].growth is missing", error.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.NotEmpty(policy.Decide(blind));
        }
    }

    [Theory]
    [MemberData(nameof(Learners))]
    public void Nothing_germinates_after_the_last_epoch(string kind)
    {
        SystemState last = Open with { TotalEpochs = 3 };
        PolicyOptions options = new() { Kind = kind, LastFraction = 1 };
        Assert.False(GrowthPolicies.Create(options).NeedsProbe(last));
        Assert.Empty(GrowthPolicies.Create(options).Decide(last));
        Assert.NotEmpty(GrowthPolicies.Create(options).Decide(last with { TotalEpochs = 4 }));
    }

    [Fact]
    public void A_signal_that_has_paid_before_draws_linucb_to_where_it_is_strong()
    {
        // Rewards in the past were the strength of the signal; the arms differ in nothing else.
        SystemState state = States.After(
            [1, 1, 1],
            States.Dormant(0, 0, new GrowthSignal(0.1, 0.5)) with { Affordable = ["affine"] },
            States.Dormant(0, 1, new GrowthSignal(1.5, 0.5)) with { Affordable = ["affine"] },
            States.Dormant(0, 2, new GrowthSignal(0.3, 0.5)) with { Affordable = ["affine"] }) with
        {
            Outcomes =
            [
                .. Enumerable.Range(0, 20).Select(i => Ended(i, 0, 0, "affine", 0.02 * (i % 5), culledAt: 1) with
                {
                    Context = new GraftContext(8, 16, 0, new GrowthSignal(0.4 * (i % 5), 0.5)),
                }),
            ],
        };
        foreach (string kind in new[] { "linucb", "linear-thompson" })
        {
            PolicyOptions options = new() { Kind = kind, MaximumGerminations = 1, CooldownEpochs = 0, Exploration = 0.1 };
            Assert.Equal(new SeedId(0, 1), Assert.Single(GrowthPolicies.Create(options).Decide(state)).Seed);
        }
    }

    internal static SeedObservation Live(int site, int seed) => States.In(SeedStage.Training, site, seed) with { Blueprint = "bottleneck-8" };

    internal static GraftOutcome Pending(int id, int site, int seed, string blueprint, int epoch = 1) => new(
        id, new SeedId(site, seed), blueprint, "test", new GraftContext(8, 16, 0, Probed), epoch, 16, 512, null, null);

    /// <summary>A graft that was culled at an epoch, or fossilized at the first.</summary>
    internal static GraftOutcome Ended(int id, int site, int seed, string blueprint, double gain, int? culledAt = 1) =>
        Pending(id, site, seed, blueprint) with
        {
            Ending = new GraftEnding(
                culledAt ?? 1, culledAt is null ? GraftEnd.Fossilized : GraftEnd.Culled, SeedStage.Holding, "test", "because"),
            Reward = new Estimate(gain, 0.001),
        };

    private static IGrowthPolicy Create(string kind) => GrowthPolicies.Create(new PolicyOptions { Kind = kind });

    private static string[] Text(ImmutableArray<LifecycleCommand> commands) => [.. commands.Select(command => command.ToString())];
}

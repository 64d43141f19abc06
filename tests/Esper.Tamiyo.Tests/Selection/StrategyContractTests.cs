using Esper.Contracts;
using Esper.Tamiyo.Bench;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Tests.Selection;

/// <summary>What every strategy promises.</summary>
public sealed class StrategyContractTests
{
    public static TheoryData<string> Names => [.. SelectionStrategies.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_past_gives_the_same_choice_and_choosing_changes_nothing(string name)
    {
        ISelectionStrategy one = Taught(name), two = Taught(name);
        for (ulong key = 0; key < 50; key++)
        {
            one.Select(key + 1000);
            Assert.Equal(two.Select(key), one.Select(key));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Beginning_anew_forgets_everything(string name)
    {
        ISelectionStrategy used = Taught(name), fresh = SelectionStrategies.Create(name, OptionsOf(name));
        ArmSet arms = World().Arms;
        used.Begin(arms);
        fresh.Begin(arms);
        for (ulong key = 0; key < 50; key++)
        {
            Assert.Equal(fresh.Select(key), used.Select(key));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_eligible_arms_are_chosen(string name)
    {
        BanditEnvironment world = World();
        ISelectionStrategy strategy = Taught(name, world);
        for (int arm = 0; arm < world.Arms.Count; arm++)
        {
            world.Arms.SetEligible(arm, arm % 3 == 1);
        }

        for (ulong key = 0; key < 200; key++)
        {
            Assert.Equal(1, strategy.Select(key).Arm % 3);
        }

        for (int arm = 0; arm < world.Arms.Count; arm++)
        {
            world.Arms.SetEligible(arm, false);
        }

        Assert.Equal(Choice.None, strategy.Select(1));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_selection_allocates_nothing(string name)
    {
        ISelectionStrategy strategy = Taught(name);
        for (ulong key = 0; key < 100; key++)
        {
            strategy.Advance(0);
            strategy.Select(key);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong key = 0; key < 100; key++)
        {
            strategy.Advance(0);
            strategy.Select(key);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    [InlineData("halving")]
    public void Rent_is_paid_before_arms_are_compared(string name)
    {
        BanditEnvironment world = World();
        int free = Favourite(Taught(name, world));
        world.Arms.SetCost(free, price: 100);
        Assert.NotEqual(free, Favourite(Taught(name, world)));
    }

    [Fact]
    public void Per_cost_the_cheap_arm_wins_and_a_loss_is_not_made_small_by_its_cost()
    {
        ArmSet arms = new(2, 0);
        Ucb1 strategy = new(new SelectionOptions { Exploration = 0 });
        strategy.Begin(arms);
        foreach ((int arm, double reward) in new[] { (0, 1.0), (1, 0.6) })
        {
            strategy.Pull(arm, []);
            strategy.Settle(arm, [], reward);
        }

        Assert.Equal(0, strategy.Select(1).Arm);
        arms.SetCost(0, 0, cost: 2);
        Assert.Equal(1, strategy.Select(1).Arm);
        Assert.Equal(0.6, strategy.Select(1).Score, 12);

        // Both make a loss now; the dear one the larger.
        arms.SetCost(0, 2, cost: 2);
        arms.SetCost(1, 1.6, cost: 1);
        Assert.Equal(1, strategy.Select(1).Arm);
    }

    [Fact]
    public void Equal_arms_are_equally_likely()
    {
        Ucb1 strategy = new(new SelectionOptions());
        strategy.Begin(new ArmSet(4, 0));
        int[] chosen = new int[4];
        for (ulong key = 0; key < 8000; key++)
        {
            chosen[strategy.Select(KeyedRandom.Bits(key)).Arm]++;
        }

        Assert.All(chosen, count => Assert.InRange(count, 1850, 2150));
    }

    [Fact]
    public void Fading_over_thousands_of_periods_stays_finite_and_forgets_to_the_prior()
    {
        SelectionOptions options = new() { Discount = 0.9, PriorMean = 0.25 };
        ThompsonSampling strategy = new(options);
        strategy.Begin(new ArmSet(2, 0));
        for (int round = 0; round < 5000; round++)
        {
            strategy.Advance(1);
            strategy.Pull(0, []);
            strategy.Settle(0, [], 3);
        }

        // Sum of 0.9^k = 10.
        Assert.Equal(11, strategy.Posterior(0).Weight, 9);
        Assert.Equal((0.25 + 30) / 11, strategy.Posterior(0).Mean, 9);
        strategy.Advance(10_000);
        Assert.Equal(0.25, strategy.Posterior(0).Mean, 9);
    }

    [Fact]
    public void A_reward_that_nobody_waits_for_is_refused()
    {
        Ucb1 strategy = new(new SelectionOptions());
        strategy.Begin(new ArmSet(2, 0));
        Assert.Throws<InvalidOperationException>(() => strategy.Settle(0, [], 1));
        strategy.Pull(0, []);
        Assert.Throws<InvalidOperationException>(() => strategy.Settle(0, [], double.NaN));
    }

    [Fact]
    public void The_benchmark_measures_every_strategy()
    {
        IEnumerable<SelectionTiming> timings = SelectionBenchmark.Run(20, TimeProvider.System, CancellationToken.None);
        Assert.Equal(SelectionStrategies.Names, timings.Select(timing => timing.Strategy));
        Assert.All(timings, timing => Assert.True(timing.Nanoseconds > 0 && timing.Fastest <= timing.Nanoseconds));
        Assert.All(timings, timing => Assert.Equal(0, timing.AllocatedBytes));
    }

    private static BanditEnvironment World() => BanditEnvironment.Linear(9, 5, 0.3, 4);

    private static SelectionOptions OptionsOf(string name) =>
        new() { Discount = 0.99, Window = 40, Epsilon = name == "epsilon-greedy" ? 0 : 0.1 };

    private static ISelectionStrategy Taught(string name) => Taught(name, World());

    private static ISelectionStrategy Taught(string name, BanditEnvironment world)
    {
        ISelectionStrategy strategy = SelectionStrategies.Create(name, OptionsOf(name));
        double[] features = new double[world.Arms.FeatureCount];
        strategy.Begin(world.Arms);
        for (int round = 0; round < 60; round++)
        {
            int arm = round % world.Arms.Count;
            world.Arms.CopyFeatures(arm, features);
            strategy.Advance(1);
            strategy.Pull(arm, features);
            strategy.Settle(arm, features, world.Reward(arm, round));
        }

        return strategy;
    }

    /// <summary>The arm that is chosen most often.</summary>
    private static int Favourite(ISelectionStrategy strategy) => Enumerable.Range(0, 200)
        .GroupBy(key => strategy.Select(KeyedRandom.Bits((ulong)key)).Arm).MaxBy(group => group.Count())!.Key;
}

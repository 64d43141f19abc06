using Esper.Contracts;
using Esper.Tamiyo.Bench;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Tests.Selection;

/// <summary>Strategies in worlds whose best arm is known, over many seeds.</summary>
public sealed class StrategyBenchTests
{
    private const int Seeds = 30;

    private static readonly SelectionOptions Stationary = new() { PriorMean = 0.5, RungPulls = 8 };

    [Theory]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    [InlineData("halving")]
    public void The_best_of_stationary_arms_is_found(string name) => RequireBest(
        name, Stationary, seed => BanditEnvironment.Stationary(10, 0.3, 0.5, seed), rounds: 2000);

    [Theory]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    public void The_best_arm_is_found_behind_a_delay(string name) => RequireBest(
        name, Stationary, seed => BanditEnvironment.Stationary(10, 0.3, 0.5, seed, delay: 30), rounds: 2000);

    [Theory]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    public void The_best_arm_is_found_again_where_means_drift(string name) => RequireBest(
        name,
        Stationary with { Discount = 0.98, PriorScale = 0.1 },
        seed => BanditEnvironment.Drifting(5, 0.5, 0.3, 1000, seed),
        rounds: 5000,
        warmUp: 1000);

    [Theory]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    public void The_best_arm_is_found_by_its_features(string name) => RequireBest(
        name, new SelectionOptions { Exploration = 0.3 }, seed => BanditEnvironment.Linear(100, 6, 0.3, seed, gap: 0.1), rounds: 2000);

    [Theory]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    public void Regret_is_below_that_of_epsilon_greedy_among_stationary_arms(string name) => RequireLessRegret(
        name, Stationary, seed => BanditEnvironment.Stationary(10, 0.3, 0.5, seed), rounds: 4000);

    [Theory]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    public void Regret_is_below_that_of_epsilon_greedy_behind_a_delay(string name) => RequireLessRegret(
        name, Stationary, seed => BanditEnvironment.Stationary(10, 0.3, 0.5, seed, delay: 30), rounds: 4000);

    [Theory]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    public void Regret_is_below_that_of_epsilon_greedy_where_features_tell(string name) => RequireLessRegret(
        name, new SelectionOptions { Exploration = 0.3, PriorMean = 0.5 }, seed => BanditEnvironment.Linear(100, 6, 0.3, seed, gap: 0.1), rounds: 2000);

    [Theory]
    [InlineData("ucb1", 0.99, 0)]
    [InlineData("thompson", 0.98, 0)]
    [InlineData("ucb1", 1, 250)]
    [InlineData("thompson", 1, 150)]
    public void Forgetting_pays_where_means_drift(string name, double discount, double window)
    {
        SelectionOptions options = Stationary with { PriorScale = 0.1, Exploration = 0.2 };
        double forgets = 0, remembers = 0;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            BanditEnvironment world = BanditEnvironment.Drifting(5, 0.5, 0.3, 1000, seed);
            forgets += Play(name, options with { Discount = discount, Window = window }, world, 5000, seed).Regret;
            remembers += Play(name, options, world, 5000, seed).Regret;
        }

        Assert.True(forgets < 0.7 * remembers, $"{forgets / Seeds:F0} with forgetting, {remembers / Seeds:F0} without");
    }

    [Theory]
    [InlineData("random")]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    [InlineData("halving")]
    public void No_arm_starves(string name)
    {
        bool contextual = SelectionStrategies.Create(name, Stationary).IsContextual;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            // A linear model may rule an arm out by what others have taught it, but never the best.
            BanditEnvironment world = contextual
                ? BanditEnvironment.Linear(6, 6, 0.5, seed)
                : BanditEnvironment.Stationary(10, 0.3, 0.5, seed);
            SelectionOptions options = Stationary with { Exploration = contextual ? 5 : 2, PriorMean = 1, Discount = contextual ? 0.99 : 1 };
            TrialResult result = Play(name, options, world, 2000, seed);
            int best = world.Best(0);
            Assert.All(
                contextual ? [result.Pulls[best]] : result.Pulls.AsEnumerable(),
                pulls => Assert.True(pulls > 0, $"seed {seed}: {string.Join(' ', result.Pulls)}"));
        }
    }

    /// <summary>Where each arm has a feature of its own, a linear model learns nothing about one from another, and must try them all.</summary>
    [Theory]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    public void No_arm_starves_of_which_the_others_tell_nothing(string name)
    {
        const int Count = 8;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            BanditEnvironment means = BanditEnvironment.Stationary(Count, 0.3, 0.5, seed);
            ArmSet arms = new(Count, Count);
            double[][] features = [.. Enumerable.Range(0, Count).Select(arm => OneHot(arm, Count))];
            for (int arm = 0; arm < Count; arm++)
            {
                arms.SetFeatures(arm, features[arm]);
            }

            ISelectionStrategy strategy = SelectionStrategies.Create(name, Stationary with { Exploration = 2, PriorMean = 0 });
            strategy.Begin(arms);
            int[] pulls = new int[Count];
            for (int round = 0; round < 1500; round++)
            {
                int arm = strategy.Select(KeyedRandom.Bits(seed, (ulong)round)).Arm;
                pulls[arm]++;
                strategy.Pull(arm, features[arm]);
                strategy.Settle(arm, features[arm], means.Reward(arm, round));
            }

            Assert.True(pulls.Min() >= 1, $"seed {seed}: {string.Join(' ', pulls)}");
            Assert.Equal(means.Best(0), Array.IndexOf(pulls, pulls.Max()));
        }
    }

    [Theory]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("linucb")]
    [InlineData("halving")]
    public void While_no_reward_has_come_no_arm_is_pulled_blindly_twice(string name)
    {
        BanditEnvironment world = SelectionStrategies.Create(name, Stationary).IsContextual
            ? BanditEnvironment.Linear(8, 12, 0.3, 1)
            : BanditEnvironment.Stationary(8, 0.3, 0.3, 1, delay: 100);
        ISelectionStrategy strategy = SelectionStrategies.Create(
            name, Stationary with { Epsilon = 0, PriorMean = 1 });
        strategy.Begin(world.Arms);
        double[] features = new double[world.Arms.FeatureCount];
        HashSet<int> pulled = [];
        for (int pull = 0; pull < world.Arms.Count; pull++)
        {
            int arm = strategy.Select((ulong)pull).Arm;
            Assert.True(pulled.Add(arm), $"arm {arm} a second time as pull {pull + 1}");
            world.Arms.CopyFeatures(arm, features);
            strategy.Pull(arm, features);
        }
    }

    [Fact]
    public void Random_has_the_best_arm_as_often_as_chance()
    {
        double rate = Enumerable.Range(0, Seeds).Average(
            seed => Play("random", Stationary, BanditEnvironment.Stationary(10, 0.3, 0.5, (ulong)seed), 2000, (ulong)seed).BestArmRate);
        Assert.InRange(rate, 0.08, 0.12);
    }

    private static double[] OneHot(int index, int count)
    {
        double[] values = new double[count];
        values[index] = 1;
        return values;
    }

    private static TrialResult Play(string name, SelectionOptions options, BanditEnvironment world, int rounds, ulong seed, int warmUp = -1) =>
        BanditTrial.Play(world, SelectionStrategies.Create(name, options), rounds, warmUp < 0 ? rounds / 2 : warmUp, seed);

    private static void RequireBest(
        string name, SelectionOptions options, Func<ulong, BanditEnvironment> world, int rounds, int warmUp = -1)
    {
        double rate = Enumerable.Range(0, Seeds)
            .Average(seed => Play(name, options, world((ulong)seed), rounds, (ulong)seed, warmUp).BestArmRate);
        Assert.True(rate >= 0.7, $"best-arm rate {rate:P1}");
    }

    private static void RequireLessRegret(string name, SelectionOptions options, Func<ulong, BanditEnvironment> world, int rounds)
    {
        double[] differences =
        [
            .. Enumerable.Range(0, Seeds).Select(seed =>
                Play(name, options, world((ulong)seed), rounds, (ulong)seed).Regret
                - Play("epsilon-greedy", options, world((ulong)seed), rounds, (ulong)seed).Regret),
        ];
        double mean = differences.Average();
        double error = Math.Sqrt(differences.Sum(d => (d - mean) * (d - mean)) / (Seeds - 1) / Seeds);
        Assert.True(mean + (2 * error) < 0, $"{mean:F1} +- {2 * error:F1} against epsilon-greedy");
    }
}

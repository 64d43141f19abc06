using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Bench;

/// <summary>What a strategy did in a world.</summary>
/// <param name="Regret">Sum over the rounds of the best arm's mean minus that of the arm pulled.</param>
/// <param name="BestArmRate">Share of the rounds after the warm-up in which the best arm was pulled.</param>
/// <param name="Pulls">Pulls of each arm.</param>
public sealed record TrialResult(double Regret, double BestArmRate, ImmutableArray<int> Pulls);

/// <summary>Plays a strategy in a world.</summary>
public static class BanditTrial
{
    /// <summary>Plays a number of rounds, one pull a round; a reward comes after the world's delay.</summary>
    /// <param name="environment">The world.</param>
    /// <param name="strategy">The strategy; it starts knowing nothing.</param>
    /// <param name="rounds">Number of rounds.</param>
    /// <param name="warmUp">Rounds that <see cref="TrialResult.BestArmRate"/> leaves out.</param>
    /// <param name="seed">Seed of the strategy's choices.</param>
    public static TrialResult Play(BanditEnvironment environment, ISelectionStrategy strategy, int rounds, int warmUp, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(strategy);
        ArmSet arms = environment.Arms;
        double[] features = new double[arms.FeatureCount];
        int[] pulls = new int[arms.Count];
        Queue<(int Due, int Arm, double Reward)> pending = [];
        (double regret, int best) = (0, 0);
        strategy.Begin(arms);
        for (int round = 0; round < rounds; round++)
        {
            strategy.Advance(1);
            while (pending.TryPeek(out (int Due, int Arm, double Reward) next) && next.Due <= round)
            {
                pending.Dequeue();
                arms.CopyFeatures(next.Arm, features);
                strategy.Settle(next.Arm, features, next.Reward);
            }

            int arm = strategy.Select(KeyedRandom.Bits(seed, (ulong)round)).Arm;
            arms.CopyFeatures(arm, features);
            strategy.Pull(arm, features);
            pending.Enqueue((round + 1 + environment.Delay, arm, environment.Reward(arm, round)));
            pulls[arm]++;
            int optimum = environment.Best(round);
            regret += environment.Mean(optimum, round) - environment.Mean(arm, round);
            best += round >= warmUp && environment.Mean(arm, round) >= environment.Mean(optimum, round) ? 1 : 0;
        }

        return new TrialResult(regret, (double)best / (rounds - warmUp), [.. pulls]);
    }
}

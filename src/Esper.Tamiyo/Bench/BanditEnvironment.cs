using Esper.Contracts;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Bench;

/// <summary>
/// A synthetic world of arms with known means, for measuring strategies. Every reward is a function of seed, round and arm, so that
/// all strategies meet the same luck.
/// </summary>
public sealed class BanditEnvironment
{
    private static readonly ulong Stream = KeyedRandom.Key("bench.bandit");

    private readonly Func<int, int, double> _mean;
    private readonly double _noise;
    private readonly ulong _seed;

    private BanditEnvironment(string name, ArmSet arms, Func<int, int, double> mean, double noise, int delay, ulong seed)
    {
        Name = name;
        Arms = arms;
        Delay = delay;
        _mean = mean;
        _noise = noise;
        _seed = seed;
    }

    /// <summary>What it is.</summary>
    public string Name { get; }

    /// <summary>Its arms, with their features.</summary>
    public ArmSet Arms { get; }

    /// <summary>Rounds between a pull and its reward.</summary>
    public int Delay { get; }

    /// <summary>Arms whose means never change, in [0, 1]; the best is ahead of the second by <paramref name="gap"/>.</summary>
    /// <param name="arms">Number of arms.</param>
    /// <param name="gap">Distance of the best mean, 1, to all others, which lie between 0 and 1 - gap.</param>
    /// <param name="noise">Standard deviation of rewards.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="delay">Rounds between a pull and its reward.</param>
    public static BanditEnvironment Stationary(int arms, double gap, double noise, ulong seed, int delay = 0)
    {
        int best = KeyedRandom.Below(arms, Stream, seed, 1);
        return new BanditEnvironment(
            delay == 0 ? "stationary" : "delayed",
            new ArmSet(arms, 0),
            (arm, _) => arm == best ? 1 : (1 - gap) * KeyedRandom.Uniform(Stream, seed, 2, (ulong)arm),
            noise,
            delay,
            seed);
    }

    /// <summary>Arms whose means are drawn anew every <paramref name="period"/> rounds, as in <see cref="Stationary"/>.</summary>
    public static BanditEnvironment Drifting(int arms, double gap, double noise, int period, ulong seed) => new(
        "drifting",
        new ArmSet(arms, 0),
        (arm, round) =>
        {
            ulong era = (ulong)(round / period);
            return arm == KeyedRandom.Below(arms, Stream, seed, 3, era)
                ? 1
                : (1 - gap) * KeyedRandom.Uniform(Stream, seed, 4, era, (ulong)arm);
        },
        noise,
        0,
        seed);

    /// <summary>Arms whose means are one linear function of their features, which are uniform in [-1, 1] beside a constant.</summary>
    /// <param name="arms">Number of arms.</param>
    /// <param name="features">Features of an arm.</param>
    /// <param name="noise">Standard deviation of rewards.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="gap">Least distance of the best mean to all others.</param>
    public static BanditEnvironment Linear(int arms, int features, double noise, ulong seed, double gap = 0)
    {
        double[] theta = new double[features];
        for (int i = 0; i < features; i++)
        {
            theta[i] = Normal.Draw(KeyedRandom.Bits(Stream, seed, 5, (ulong)i)) / Math.Sqrt(features);
        }

        double[][] x = [.. Enumerable.Range(0, arms).Select(arm => Features(features, seed, arm, 0))];
        double[] means = [.. x.Select(MeanOf)];
        int best = Array.IndexOf(means, means.Max());
        ArmSet set = new(arms, features);
        for (int arm = 0; arm < arms; arm++)
        {
            for (ulong draw = 1; arm != best && means[arm] > means[best] - gap; draw++)
            {
                x[arm] = Features(features, seed, arm, draw);
                means[arm] = MeanOf(x[arm]);
            }

            set.SetFeatures(arm, x[arm]);
        }

        return new BanditEnvironment("linear", set, (arm, _) => means[arm], noise, 0, seed);

        double MeanOf(double[] values) => values.Zip(theta, (value, coefficient) => value * coefficient).Sum();
    }

    /// <summary>Expected reward of an arm in a round.</summary>
    public double Mean(int arm, int round) => _mean(arm, round);

    /// <summary>Reward of an arm in a round.</summary>
    public double Reward(int arm, int round) =>
        Mean(arm, round) + (_noise * Normal.Draw(KeyedRandom.Bits(Stream, _seed, 7, (ulong)round, (ulong)arm)));

    /// <summary>The arm with the highest mean in a round.</summary>
    public int Best(int round)
    {
        int best = 0;
        for (int arm = 1; arm < Arms.Count; arm++)
        {
            best = Mean(arm, round) > Mean(best, round) ? arm : best;
        }

        return best;
    }

    private static double[] Features(int count, ulong seed, int arm, ulong draw) =>
    [
        1,
        .. Enumerable.Range(1, count - 1)
            .Select(i => (2 * KeyedRandom.Uniform(Stream, seed, 6, (ulong)arm, (ulong)i, draw)) - 1),
    ];
}

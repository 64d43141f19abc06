using Esper.Contracts;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class ForkEstimateTests
{
    [Fact]
    public void One_fork_is_the_paired_gain()
    {
        (Evaluation with, Evaluation without) = Pair(seed: 1, examples: 400, shift: 0.05);
        GainEstimate paired = GainEstimate.Paired(with.ExampleLoss, without.ExampleLoss, with.ExampleCorrect, without.ExampleCorrect);
        GainEstimate fork = ForkEstimate.Of([(with, without)]);
        Assert.Equal(paired.LossMean, fork.LossMean, 12);
        Assert.Equal(paired.LossHalfWidth, fork.LossHalfWidth, 12);
        Assert.Equal(paired.AccuracyMean, fork.AccuracyMean, 12);
        Assert.Equal(paired.AccuracyHalfWidth, fork.AccuracyHalfWidth, 12);
    }

    [Fact]
    public void Several_forks_by_hand()
    {
        // Differences without - with: {1, 3} and {2, 4}; by example {1.5, 3.5}, by fork {2, 3}.
        GainEstimate gain = ForkEstimate.Of([(Of(0, 0), Of(1, 3)), (Of(1, 1), Of(3, 5))]);
        Assert.Equal(2.5, gain.LossMean, 9);
        double examples = 1.959964 * 1.959964 * 2.0 / 2;
        double forks = 12.706205 * 12.706205 * 0.5 / 2;
        Assert.Equal(Math.Sqrt(examples + forks), gain.LossHalfWidth, 5);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public void The_interval_holds_the_truth_in_nineteen_of_twenty_cases(int forks)
    {
        // An effect that varies with the data order (deviation 0.05) and with the example (0.5), around 0.1.
        int covered = 0;
        const int Cases = 400;
        for (int i = 0; i < Cases; i++)
        {
            ulong seed = (ulong)((i * 131) + forks);
            GainEstimate gain = ForkEstimate.Of([.. Enumerable.Range(0, forks).Select(fork => Draw(seed, fork))]);
            covered += Math.Abs(gain.LossMean - 0.1) <= gain.LossHalfWidth ? 1 : 0;
        }

        Assert.InRange(covered, (int)(0.92 * Cases), Cases);
    }

    [Fact]
    public void Students_quantiles_are_the_tables()
    {
        Assert.Equal(12.706, ForkEstimate.StudentQuantile(1), 3);
        Assert.Equal(2.262, ForkEstimate.StudentQuantile(9), 3);
        Assert.InRange(ForkEstimate.StudentQuantile(10), 2.225, 2.2285);
        Assert.InRange(ForkEstimate.StudentQuantile(30), 2.0415, 2.0425);
        Assert.InRange(ForkEstimate.StudentQuantile(1_000_000), 1.9599, 1.9600);
    }

    [Fact]
    public void Results_that_do_not_pair_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ForkEstimate.Of([]));
        Assert.Throws<ArgumentException>(() => ForkEstimate.Of([(Of(1), Of(2))]));
        Assert.Throws<ArgumentException>(() => ForkEstimate.Of([(Of(1, 2), Of(1, 2)), (Of(1, 2), Of(1, 2, 3))]));
    }

    private static Evaluation Of(params float[] losses) => new(losses.Average(), 0, 0, losses, new byte[losses.Length]);

    private static (Evaluation With, Evaluation Without) Draw(ulong seed, int fork)
    {
        const int Examples = 300;
        double order = 0.05 * Normal(seed, (ulong)fork, 1_000_000);
        float[] with = new float[Examples];
        float[] without = new float[Examples];
        for (int i = 0; i < Examples; i++)
        {
            without[i] = (float)(0.1 + order + (0.5 * Normal(seed, (ulong)i, 7)));
        }

        return (Of(with), Of(without));
    }

    private static (Evaluation With, Evaluation Without) Pair(ulong seed, int examples, double shift)
    {
        float[] with = [.. Enumerable.Range(0, examples).Select(i => (float)KeyedRandom.Uniform(seed, (ulong)i))];
        float[] without = [.. with.Select((loss, i) => (float)(loss + shift + (0.2 * KeyedRandom.Uniform(seed + 1, (ulong)i))))];
        byte[] right = [.. with.Select(loss => (byte)(loss < 0.7 ? 1 : 0))];
        byte[] wrong = [.. without.Select(loss => (byte)(loss < 0.7 ? 1 : 0))];
        return (new Evaluation(0, 0, 0, with, right), new Evaluation(0, 0, 0, without, wrong));
    }

    private static double Normal(ulong a, ulong b, ulong c) =>
        Math.Sqrt(-2 * Math.Log(Math.Max(1e-12, KeyedRandom.Uniform(a, b, c))))
        * Math.Cos(2 * Math.PI * KeyedRandom.Uniform(a, b, c + 1));
}

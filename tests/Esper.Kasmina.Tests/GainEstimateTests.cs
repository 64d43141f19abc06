using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class GainEstimateTests
{
    [Fact]
    public void Paired_differences_by_hand()
    {
        // Loss differences 1, 2, 3: mean 2, sample deviation 1, half width 1.959964 / sqrt 3.
        GainEstimate gain = GainEstimate.Paired([1, 1, 1], [2, 3, 4], [1, 1, 0], [0, 1, 0]);
        Assert.Equal(2, gain.LossMean, 12);
        Assert.Equal(1.959964 / Math.Sqrt(3), gain.LossHalfWidth, 12);
        Assert.Equal(1.0 / 3, gain.AccuracyMean, 12);
        Assert.Equal(1.959964 * Math.Sqrt(1.0 / 3 / 3), gain.AccuracyHalfWidth, 12);
    }

    [Fact]
    public void No_difference_is_no_gain_without_doubt() =>
        Assert.Equal(new GainEstimate(0, 0, 0, 0), GainEstimate.Paired([1, 5], [1, 5], [1, 0], [1, 0]));

    [Fact]
    public void Pairing_removes_the_spread_of_the_examples()
    {
        float[] with = [.. Enumerable.Range(0, 100).Select(i => i * 10f)];
        float[] without = [.. with.Select(loss => loss + 1)];
        byte[] correct = new byte[100];
        GainEstimate gain = GainEstimate.Paired(with, without, correct, correct);
        Assert.Equal(1, gain.LossMean, 9);
        Assert.Equal(0, gain.LossHalfWidth, 9);
    }

    [Fact]
    public void Pooling_evaluations_of_the_same_examples_never_narrows_the_interval()
    {
        GainEstimate pooled = GainEstimate.Pool([new(1, 0.2, 0.1, 0.02), new(3, 0.4, 0.3, 0.04)]);
        Assert.Equal(2, pooled.LossMean, 12);
        Assert.Equal(0.3, pooled.LossHalfWidth, 12);
        Assert.Equal(0.2, pooled.AccuracyMean, 12);
        Assert.Equal(0.03, pooled.AccuracyHalfWidth, 12);
    }

    [Fact]
    public void Evaluations_of_other_examples_narrow_the_interval()
    {
        GainEstimate first = new(1, 0.3, 0.1, 0.03);
        GainEstimate second = new(3, 0.4, 0.3, 0.04) { Share = 1 };
        Assert.Equal(0.25, GainEstimate.Pool([first, second]).LossHalfWidth, 12);
        Assert.Equal(0.025, GainEstimate.Pool([first, second]).AccuracyHalfWidth, 12);

        // The first share twice: its errors add up, 0.6 and 0.4 of three.
        Assert.Equal(Math.Sqrt(0.36 + 0.16) / 3, GainEstimate.Pool([first, second, first]).LossHalfWidth, 12);
    }

    [Fact]
    public void Lengths_must_agree()
    {
        Assert.Throws<ArgumentException>(() => GainEstimate.Paired([1, 2], [1], [1, 1], [1, 1]));
        Assert.Throws<ArgumentException>(() => GainEstimate.Paired([1], [1], [1], [1]));
    }
}

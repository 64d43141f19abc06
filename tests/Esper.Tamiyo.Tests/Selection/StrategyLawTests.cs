using Esper.Contracts;
using Esper.Tamiyo.Selection;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Tamiyo.Tests.Selection;

/// <summary>Each strategy's defining law, over pasts drawn at random, against an oracle that knows only the raw past.</summary>
public sealed class StrategyLawTests
{
    private const int Arms = 5;
    private const int Features = 3;

    /// <summary>A past: (arm, reward in tenths, whether the reward has come, periods to the next).</summary>
    private sealed record Event(int Arm, double Reward, bool Settled, double Gap);

    private static readonly SelectionOptions Fading = new() { Discount = 0.9, Window = 12, Exploration = 0.7, PriorMean = 0.4 };

    private static Arbitrary<Event[]> Pasts => (
        from arm in Gen.Choose(0, Arms - 1)
        from tenths in Gen.Choose(-20, 20)
        from settled in Gen.Choose(0, 3)
        from gap in Gen.Choose(0, 2)
        select new Event(arm, tenths / 10.0, settled > 0, gap)).ArrayOf().ToArbitrary();

    [Fact]
    public void Ucb1_scores_by_its_index() => Prop.ForAll(Pasts, past =>
    {
        Ucb1 strategy = new(Fading);
        ArmSet arms = Tell(strategy, past, 0);
        (double[] weight, double[] sum, _, double[] pending) = Weigh(past, Fading);
        double total = weight.Sum() + pending.Sum();
        for (int arm = 0; arm < Arms; arm++)
        {
            double pulls = weight[arm] + pending[arm];
            double expected = pulls == 0
                ? double.PositiveInfinity
                : (weight[arm] > 0 ? sum[arm] / weight[arm] : Fading.PriorMean) + (0.7 * Math.Sqrt(2 * Math.Log(Math.Max(1, total)) / pulls));
            Close(expected, ScoreOf(strategy, arms, arm));
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Epsilon_greedy_scores_by_the_mean_of_prior_and_rewards_and_explores_at_its_rate() => Prop.ForAll(Pasts, past =>
    {
        SelectionOptions greedy = Fading with { Epsilon = 0, PriorWeight = 2 };
        EpsilonGreedy strategy = new(greedy);
        ArmSet arms = Tell(strategy, past, 0);
        (double[] weight, double[] sum, _, double[] pending) = Weigh(past, greedy);
        for (int arm = 0; arm < Arms; arm++)
        {
            Close(((2 * 0.4) + sum[arm]) / (2 + weight[arm] + pending[arm]), ScoreOf(strategy, arms, arm));
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(1)]
    public void Epsilon_is_the_share_of_blind_choices(double epsilon)
    {
        EpsilonGreedy strategy = new(new SelectionOptions { Epsilon = epsilon });
        Tell(strategy, [new Event(2, 9, true, 0)], 0);
        const int draws = 20_000;
        int[] chosen = new int[Arms];
        for (ulong key = 0; key < draws; key++)
        {
            chosen[strategy.Select(KeyedRandom.Bits(key)).Arm]++;
        }

        for (int arm = 0; arm < Arms; arm++)
        {
            // Four standard errors of a share.
            double share = (epsilon / Arms) + (arm == 2 ? 1 - epsilon : 0);
            Assert.Equal(share, (double)chosen[arm] / draws, 4 * Math.Sqrt(Math.Max(1e-9, share * (1 - share)) / draws));
        }
    }

    [Fact]
    public void Thompson_has_the_posterior_of_the_closed_form() => Prop.ForAll(Pasts, past =>
    {
        SelectionOptions options = new() { PriorMean = 0.3, PriorWeight = 1.5, PriorShape = 2.5, PriorScale = 0.4 };
        ThompsonSampling strategy = new(options);
        Tell(strategy, past, 0);
        for (int arm = 0; arm < Arms; arm++)
        {
            double[] rewards = [.. past.Where(e => e.Arm == arm && e.Settled).Select(e => e.Reward)];
            double n = rewards.Length, mean = n > 0 ? rewards.Average() : 0;
            double deviations = rewards.Sum(reward => (reward - mean) * (reward - mean));
            NormalInverseGamma posterior = strategy.Posterior(arm);
            Close(((1.5 * 0.3) + (n * mean)) / (1.5 + n), posterior.Mean);
            Close(1.5 + n, posterior.Weight);
            Close(2.5 + (n / 2), posterior.Shape);
            Close(0.4 + (deviations / 2) + (1.5 * n * (mean - 0.3) * (mean - 0.3) / (2 * (1.5 + n))), posterior.Scale);
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 0)]
    [InlineData(8, 2)]
    public void Thompson_draws_have_the_moments_of_the_posterior(int settled, int pending)
    {
        // A shape of 4: the fourth moment exists, so that the sample variance converges.
        ThompsonSampling strategy = new(new SelectionOptions { PriorMean = 0.3, PriorShape = 4 });
        Event[] past =
        [
            .. Enumerable.Range(0, settled).Select(i => new Event(0, 0.5 + (0.2 * (i % 3)), true, 0)),
            .. Enumerable.Range(0, pending).Select(_ => new Event(0, 0, false, 0)),
        ];
        ArmSet arms = Tell(strategy, past, 0);
        NormalInverseGamma posterior = strategy.Posterior(0);
        double[] draws = [.. Enumerable.Range(0, 40_000).Select(key => ScoreOf(strategy, arms, 0, (ulong)key))];
        double variance = posterior.MeanVariance * posterior.Weight / (posterior.Weight + pending);
        double mean = draws.Average(), spread = draws.Select(draw => (draw - mean) * (draw - mean)).Average();

        // Standard errors: sd / 200 for the mean, about 2 % for the variance of a t with 8 or more degrees of freedom.
        Assert.Equal(posterior.Mean, mean, 4 * Math.Sqrt(variance) / 200);
        Assert.InRange(spread / variance, 0.93, 1.07);

        // A quarter of a symmetric t lies beyond its quartiles: the shape is a t's, not just its moments.
        double quartile = 2 * posterior.Shape is 8 ? 0.7064 : double.NaN;
        if (!double.IsNaN(quartile))
        {
            double scale = Math.Sqrt(posterior.Scale / (posterior.Shape * posterior.Weight));
            Assert.Equal(0.5, draws.Count(draw => Math.Abs(draw - posterior.Mean) < quartile * scale) / 40_000.0, 0.01);
        }
    }

    [Fact]
    public void LinUcb_bounds_by_the_explicit_inverse() => Prop.ForAll(Pasts, past =>
    {
        LinUcb strategy = new(Fading with { Ridge = 0.8 });
        ArmSet arms = Tell(strategy, past, Features);
        (double[,] inverse, double[] theta) = Regress(past, arms, Fading, 0.8);
        double[] x = new double[Features];
        for (int arm = 0; arm < Arms; arm++)
        {
            arms.CopyFeatures(arm, x);
            double square = 0;
            for (int i = 0; i < Features; i++)
            {
                for (int j = 0; j < Features; j++)
                {
                    square += x[i] * inverse[i, j] * x[j];
                }
            }

            double estimate = x.Zip(theta, (a, b) => a * b).Sum(), width = 0.7 * Math.Sqrt(square);
            Close(estimate + width, ScoreOf(strategy, arms, arm));
            (double Estimate, double Width) bound = strategy.Bound(x);
            Close(estimate, bound.Estimate);
            Close(width, bound.Width);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Linear_thompson_draws_coefficients_of_the_right_mean_and_covariance()
    {
        SelectionOptions options = Fading with { Ridge = 0.8 };
        Event[] past = [new(0, 1, true, 1), new(1, -0.5, true, 1), new(3, 2, true, 0), new(4, 0, false, 0)];
        LinearThompson strategy = new(options);
        ArmSet arms = Tell(strategy, past, Features);
        (double[,] inverse, double[] theta) = Regress(past, arms, options, 0.8);
        const int count = 40_000;
        double[][] draws = new double[count][];
        for (int key = 0; key < count; key++)
        {
            strategy.Draw(KeyedRandom.Bits((ulong)key), draws[key] = new double[Features]);
        }

        for (int i = 0; i < Features; i++)
        {
            // Four standard errors: covariance c^2 A^-1 with c = 0.7.
            double variance = 0.49 * inverse[i, i];
            Assert.Equal(theta[i], draws.Average(draw => draw[i]), 4 * Math.Sqrt(variance / count));
            for (int j = 0; j < Features; j++)
            {
                double covariance = draws.Average(draw => (draw[i] - theta[i]) * (draw[j] - theta[j]));
                Assert.Equal(0.49 * inverse[i, j], covariance, 4 * 0.49 * Math.Sqrt(2 * inverse[i, i] * inverse[j, j] / count));
            }
        }
    }

    [Fact]
    public void Halving_keeps_the_better_half_rounded_up() => Prop.ForAll(
        Gen.Choose(-9, 9).ArrayOf().ToArbitrary(),
        values =>
        {
            int[] members = [.. Enumerable.Range(0, values.Length)];
            int keep = SuccessiveHalving.Survivors(values.Length);
            Assert.Equal((int)Math.Ceiling(values.Length / 2.0), keep);
            SuccessiveHalving.Keep(members, keep, member => values[member]);
            int[] kept = [.. members.Take(keep)], culled = [.. Enumerable.Range(0, values.Length).Except(kept)];
            Assert.Equal(keep, kept.Distinct().Count());
            Assert.Equal(kept.Order(), kept);

            // Nothing that was culled beats anything that was kept; among equals the earlier stays.
            Assert.All(culled, c => Assert.All(kept, k => Assert.True(values[k] > values[c] || (values[k] == values[c] && k < c))));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Halving_pulls_a_rung_evenly_and_doubles_the_next()
    {
        SuccessiveHalving strategy = new(new SelectionOptions { RungPulls = 2 });
        ArmSet arms = new(5, 0);
        strategy.Begin(arms);
        int[] pulls = new int[5];
        List<int> alive = [];
        for (int round = 0; round < 5 * 2 + 3 * 4 + 2 * 8; round++)
        {
            int arm = strategy.Select((ulong)round).Arm;
            pulls[arm]++;
            strategy.Pull(arm, []);
            strategy.Settle(arm, [], arm);
            alive.Add(strategy.Alive.Length);
        }

        Assert.Equal([2, 2, 6, 14, 14], pulls);
        Assert.Equal([5, 3, 2, 1], alive.Distinct());
        Assert.Equal([4], strategy.Alive.ToArray());
    }

    [Fact]
    public void Random_is_uniform_over_what_is_eligible()
    {
        RandomSelection strategy = new();
        ArmSet arms = new(4, 0);
        arms.SetEligible(1, false);
        strategy.Begin(arms);
        int[] chosen = new int[4];
        for (ulong key = 0; key < 9000; key++)
        {
            chosen[strategy.Select(KeyedRandom.Bits(key)).Arm]++;
        }

        Assert.Equal(0, chosen[1]);
        Assert.All(new[] { 0, 2, 3 }, arm => Assert.InRange(chosen[arm], 2800, 3200));
    }

    /// <summary>Tells a past; arms have features that span the space.</summary>
    private static ArmSet Tell(ISelectionStrategy strategy, Event[] past, int features)
    {
        ArmSet arms = new(Arms, features);
        double[] x = new double[features];
        for (int arm = 0; arm < Arms; arm++)
        {
            for (int i = 0; i < features; i++)
            {
                x[i] = i == 0 ? 1 : Math.Sin((3 * arm) + i);
            }

            arms.SetFeatures(arm, x);
        }

        strategy.Begin(arms);
        foreach (Event e in past)
        {
            arms.CopyFeatures(e.Arm, x);
            strategy.Pull(e.Arm, x);
            if (e.Settled)
            {
                strategy.Settle(e.Arm, x, e.Reward);
            }

            strategy.Advance(e.Gap);
        }

        return arms;
    }

    /// <summary>Weight of each event now: discount^age, nothing once the age reaches the window.</summary>
    private static double[] Ages(Event[] past, SelectionOptions options) =>
    [
        .. past.Select((_, i) => past.Skip(i).Sum(later => later.Gap))
            .Select(age => options.Window > 0 && age >= options.Window ? 0 : Math.Pow(options.Discount, age)),
    ];

    private static (double[] Weight, double[] Sum, double[] Squares, double[] Pending) Weigh(Event[] past, SelectionOptions options)
    {
        (double[] weight, double[] sum, double[] squares, double[] pending) = (new double[Arms], new double[Arms], new double[Arms], new double[Arms]);
        double[] ages = Ages(past, options);
        for (int i = 0; i < past.Length; i++)
        {
            Event e = past[i];
            weight[e.Arm] += e.Settled ? ages[i] : 0;
            sum[e.Arm] += e.Settled ? ages[i] * e.Reward : 0;
            squares[e.Arm] += e.Settled ? ages[i] * e.Reward * e.Reward : 0;
            pending[e.Arm] += e.Settled ? 0 : 1;
        }

        return (weight, sum, squares, pending);
    }

    /// <summary>Inverse of A with pulls under way, and coefficients without, by Gauss and Jordan.</summary>
    private static (double[,] Inverse, double[] Theta) Regress(Event[] past, ArmSet arms, SelectionOptions options, double ridge)
    {
        double[,] settled = new double[Features, Features], all = new double[Features, Features];
        double[] cross = new double[Features], x = new double[Features], ages = Ages(past, options);
        for (int i = 0; i < Features; i++)
        {
            (settled[i, i], all[i, i]) = (ridge, ridge);
        }

        for (int e = 0; e < past.Length; e++)
        {
            arms.CopyFeatures(past[e].Arm, x);
            for (int i = 0; i < Features; i++)
            {
                cross[i] += past[e].Settled ? ages[e] * past[e].Reward * x[i] : 0;
                for (int j = 0; j < Features; j++)
                {
                    settled[i, j] += past[e].Settled ? ages[e] * x[i] * x[j] : 0;
                    all[i, j] += (past[e].Settled ? ages[e] : 1) * x[i] * x[j];
                }
            }
        }

        double[,] inverse = Invert(settled);
        double[] theta = [.. Enumerable.Range(0, Features).Select(i => Enumerable.Range(0, Features).Sum(j => inverse[i, j] * cross[j]))];
        return (Invert(all), theta);
    }

    private static double[,] Invert(double[,] matrix)
    {
        int n = matrix.GetLength(0);
        double[,] a = (double[,])matrix.Clone(), inverse = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            inverse[i, i] = 1;
        }

        for (int pivot = 0; pivot < n; pivot++)
        {
            double divisor = a[pivot, pivot];
            for (int j = 0; j < n; j++)
            {
                (a[pivot, j], inverse[pivot, j]) = (a[pivot, j] / divisor, inverse[pivot, j] / divisor);
            }

            for (int i = 0; i < n; i++)
            {
                double factor = i == pivot ? 0 : a[i, pivot];
                for (int j = 0; j < n; j++)
                {
                    (a[i, j], inverse[i, j]) = (a[i, j] - (factor * a[pivot, j]), inverse[i, j] - (factor * inverse[pivot, j]));
                }
            }
        }

        return inverse;
    }

    /// <summary>The score of one arm: what a selection says when no other may be pulled.</summary>
    private static double ScoreOf(ISelectionStrategy strategy, ArmSet arms, int arm, ulong key = 1)
    {
        for (int other = 0; other < arms.Count; other++)
        {
            arms.SetEligible(other, other == arm);
        }

        Choice choice = strategy.Select(KeyedRandom.Bits(key));
        Assert.Equal(arm, choice.Arm);
        return choice.Score;
    }

    private static void Close(double expected, double actual) => Assert.True(
        expected.Equals(actual) || Math.Abs(expected - actual) <= 1e-9 * (1 + Math.Abs(expected)), $"expected {expected}, is {actual}");
}

using System.Collections.Immutable;

namespace Esper.Tamiyo.Risk;

/// <summary>
/// How a series of losses has been moving. A move is the relative change against the median of the (up to) three losses before it:
/// a steady fall is a steady move and no noise, and one high loss is not forgotten with the next. Median and median
/// absolute deviation, so that earlier outliers do not widen the scale.
/// </summary>
/// <param name="LastMove">The last move.</param>
/// <param name="Center">Median of the moves before it.</param>
/// <param name="Scale">Their median absolute deviation, times 1.4826: the standard deviation if they were normal.</param>
public readonly record struct LossTrend(double LastMove, double Center, double Scale)
{
    /// <summary>Fewest losses that give a trend: one to move from, three moves, and the last.</summary>
    public const int FewestLosses = 5;

    /// <summary>Least scale for a deviation: a change of a hundredth is no event, however quiet the run was.</summary>
    public const double LeastScale = 0.01;

    /// <summary>Least loss (nats) that changes are relative to: of a network without any loss, every change would be infinite.</summary>
    public const double LeastLoss = 1e-3;

    private const int Reference = 3;
    private const double NormalConsistency = 1.4826;

    /// <summary>The last move's distance from the others, in robust standard deviations; positive when the loss is worse than usual.</summary>
    public double Deviation => (LastMove - Center) / Math.Max(Scale, LeastScale);

    /// <summary>The trend of finite losses, oldest first.</summary>
    /// <exception cref="ArgumentException">There are fewer than <see cref="FewestLosses"/>.</exception>
    public static LossTrend Of(ImmutableArray<double> losses)
    {
        if (losses.Length < FewestLosses)
        {
            throw new ArgumentException($"A trend needs {FewestLosses} losses, there are {losses.Length}.", nameof(losses));
        }

        double[] moves = new double[losses.Length - 1];
        for (int i = 1; i < losses.Length; i++)
        {
            int before = Math.Min(Reference, i);
            moves[i - 1] = Move(losses[i], Median(losses.AsSpan(i - before, before)));
        }

        ReadOnlySpan<double> earlier = moves.AsSpan(0, moves.Length - 1);
        double center = Median(earlier);
        double[] deviations = [.. moves[..^1].Select(move => Math.Abs(move - center))];
        return new LossTrend(moves[^1], center, NormalConsistency * Median(deviations));
    }

    private static double Move(double loss, double reference) => (loss - reference) / Math.Max(reference, LeastLoss);

    private static double Median(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

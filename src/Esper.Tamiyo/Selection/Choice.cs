using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>What a strategy chose.</summary>
/// <param name="Arm">The arm; -1 if none may be pulled.</param>
/// <param name="Score">
/// The arm's value by the strategy's own measure, its price paid, in the unit of rewards; positive infinity for one that is to be tried
/// whatever is known.
/// </param>
public readonly record struct Choice(int Arm, double Score)
{
    /// <summary>Nothing may be pulled.</summary>
    public static Choice None { get; } = new(-1, double.NegativeInfinity);

    /// <summary>The eligible arm of the highest value; among equals each is as likely.</summary>
    internal static Choice Best(ArmSet arms, ReadOnlySpan<double> scores, ulong key)
    {
        double best = double.NegativeInfinity;
        int ties = 0, first = -1;
        for (int arm = 0; arm < arms.Count; arm++)
        {
            if (!arms.IsEligible(arm))
            {
                continue;
            }

            double value = arms.Value(arm, scores[arm]);
            if (value > best || first < 0)
            {
                (best, ties, first) = (value, 1, arm);
            }
            else if (value == best)
            {
                ties++;
            }
        }

        return ties > 1 ? Tied(arms, scores, best, KeyedRandom.Below(ties, key)) : new Choice(first, best);
    }

    /// <summary>An eligible arm, each as likely.</summary>
    internal static Choice Uniform(ArmSet arms, ulong key)
    {
        int eligible = 0;
        for (int arm = 0; arm < arms.Count; arm++)
        {
            eligible += arms.IsEligible(arm) ? 1 : 0;
        }

        int left = eligible == 0 ? 0 : KeyedRandom.Below(eligible, key);
        for (int arm = 0; arm < arms.Count; arm++)
        {
            if (arms.IsEligible(arm) && left-- == 0)
            {
                return new Choice(arm, double.PositiveInfinity);
            }
        }

        return None;
    }

    private static Choice Tied(ArmSet arms, ReadOnlySpan<double> scores, double best, int left)
    {
        for (int arm = 0; arm < arms.Count; arm++)
        {
            if (arms.IsEligible(arm) && arms.Value(arm, scores[arm]) == best && left-- == 0)
            {
                return new Choice(arm, best);
            }
        }

        return None;
    }
}

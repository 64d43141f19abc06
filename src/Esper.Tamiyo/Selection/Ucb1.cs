using System.Numerics;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// UCB1 (Auer, Cesa-Bianchi, Fischer 2002), discounted (Garivier, Moulines 2011) where asked for: mean + c sqrt(2 ln N / n), with n the
/// pulls of the arm and N those of all, pulls under way included in both. An arm that was never pulled comes first; one whose
/// pulls are all under way is ranked by the prior's mean.
/// </summary>
public sealed class Ucb1(SelectionOptions options) : TabularStrategy(options)
{
    /// <inheritdoc/>
    public override string Name => "ucb1";

    private protected override void Score(ulong key, Span<Vector<double>> scores)
    {
        ReadOnlySpan<Vector<double>> weights = Vectors(Memory.Weights), sums = Vectors(Memory.Sums);
        ReadOnlySpan<Vector<double>> pending = Vectors(Memory.PendingPulls);
        Vector<double> scale = new(Memory.Scale), prior = new(Options.PriorMean), untried = new(double.PositiveInfinity);
        Vector<double> width = new(Options.Exploration * Math.Sqrt(2 * Math.Log(Math.Max(1, Memory.TotalPulls))));
        for (int i = 0; i < scores.Length; i++)
        {
            Vector<double> pulls = (scale * weights[i]) + pending[i];
            Vector<double> mean = Vector.ConditionalSelect(
                Vector.GreaterThan(weights[i], Vector<double>.Zero), sums[i] / weights[i], prior);
            scores[i] = Vector.ConditionalSelect(
                Vector.GreaterThan(pulls, Vector<double>.Zero), mean + (width / Vector.SquareRoot(pulls)), untried);
        }
    }
}

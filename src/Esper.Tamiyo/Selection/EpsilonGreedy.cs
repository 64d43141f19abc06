using System.Numerics;
using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// Pulls the arm of the highest estimate, and with probability epsilon any. The estimate is the mean of prior and rewards,
/// (k m + sum) / (k + n + pending): a pull under way counts as one that has paid nothing yet, so that no arm is pulled twice blindly.
/// </summary>
public sealed class EpsilonGreedy(SelectionOptions options) : TabularStrategy(options)
{
    private static readonly ulong Explore = KeyedRandom.Key("epsilon");

    /// <inheritdoc/>
    public override string Name => "epsilon-greedy";

    /// <inheritdoc/>
    public override Choice Select(ulong key) => KeyedRandom.Uniform(Explore, key) < Options.Epsilon
        ? Choice.Uniform(Arms, key)
        : base.Select(key);

    private protected override void Score(ulong key, Span<Vector<double>> scores)
    {
        ReadOnlySpan<Vector<double>> weights = Vectors(Memory.Weights), sums = Vectors(Memory.Sums);
        ReadOnlySpan<Vector<double>> pending = Vectors(Memory.PendingPulls);
        Vector<double> scale = new(Memory.Scale), prior = new(Options.PriorWeight);
        Vector<double> priorSum = new(Options.PriorWeight * Options.PriorMean);
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = (priorSum + (scale * sums[i])) / (prior + (scale * weights[i]) + pending[i]);
        }
    }
}

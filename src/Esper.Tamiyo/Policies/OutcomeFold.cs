using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Tells a strategy the run's grafts in the order in which they happened. All that a bandit knows comes from here, so that it knows the
/// same after a resume and in a replay.
/// </summary>
internal static class OutcomeFold
{
    /// <summary>Folds the outcomes of a state into a strategy that has just begun.</summary>
    /// <returns>How many grafts have paid, and how many are under way.</returns>
    public static (int Paid, int Pending) Into(
        ISelectionStrategy strategy, ArmTable table, SystemState state, PolicyOptions options)
    {
        Span<double> features = stackalloc double[strategy.IsContextual ? ArmFeatures.Count : 0];
        int paid = 0, pending = 0;
        double now = 0;
        foreach ((int epoch, bool ends, GraftOutcome outcome) in Events(state))
        {
            if (strategy.IsContextual)
            {
                // A graft that somebody else decided without a probe has no place among the features.
                if (outcome.Context.Growth is null)
                {
                    continue;
                }

                ArmFeatures.Write(
                    state, outcome.Seed, Blueprint.Parse(outcome.Blueprint), outcome.Context, outcome.EpochGerminated, features);
            }

            strategy.Advance(epoch - now);
            now = epoch;
            if (ends)
            {
                strategy.Settle(table.IndexOf(outcome), features, Reward(outcome) / options.RewardScale);
                (paid, pending) = (paid + 1, pending - 1);
            }
            else
            {
                strategy.Pull(table.IndexOf(outcome), features);
                pending++;
            }
        }

        strategy.Advance(state.Epoch - now);
        return (paid, pending);
    }

    /// <summary>
    /// What a graft that has ended was worth. One that was removed before any evaluation has left the model as it was: it gave nothing.
    /// </summary>
    public static double Reward(GraftOutcome outcome) => outcome.Reward?.Mean ?? 0;

    private static IEnumerable<(int Epoch, bool Ends, GraftOutcome Outcome)> Events(SystemState state) => state.Outcomes
        .Select(outcome => (Epoch: outcome.EpochGerminated, Ends: false, Outcome: outcome))
        .Concat(state.Outcomes.Where(outcome => !outcome.IsPending)
            .Select(outcome => (outcome.Ending!.Epoch, Ends: true, Outcome: outcome)))
        .OrderBy(happened => happened.Epoch)
        .ThenBy(happened => happened.Ends)
        .ThenBy(happened => happened.Outcome.Id);
}

using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>The limits that all policies share: when something may germinate, and how much at once.</summary>
internal static class GrowthWindow
{
    /// <summary>Number of seeds that may germinate now.</summary>
    public static int Places(SystemState state, PolicyOptions options)
    {
        // Nothing grows after the last epoch.
        bool open = state.Epoch >= options.StartEpoch
            && state.Epoch <= options.LastFraction * state.TotalEpochs
            && state.Epoch < state.TotalEpochs;
        return open ? Math.Clamp(options.MaximumLive - state.LiveSeeds, 0, options.MaximumGerminations) : 0;
    }

    /// <summary>Dormant seeds for which the budget allows at least one blueprint, in order.</summary>
    public static IEnumerable<SeedObservation> Free(SystemState state) =>
        state.Seeds.Where(seed => seed.Stage == SeedStage.Dormant && !seed.Affordable.IsEmpty);

    /// <summary>
    /// Asks to make permanent every holding seed with enough evaluations, for policies that leave the judgement to gate G5.
    /// </summary>
    public static void OfferHolding(SystemState state, CommandList commands)
    {
        foreach (SeedObservation seed in state.Seeds)
        {
            if (seed.Stage == SeedStage.Holding && seed.GainEvaluations >= seed.RequiredEvaluations)
            {
                commands.Fossilize(seed.Seed, $"holding with {seed.GainEvaluations} evaluations of its gain");
            }
        }
    }
}

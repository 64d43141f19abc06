using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Keeps or culls a holding seed by the 95 % interval of its gain against what its module has to pay for; an undecided one is measured
/// on.
/// </summary>
internal static class HoldingJudge
{
    public static void Judge(SeedObservation seed, CommandList commands)
    {
        if (seed.Stage != SeedStage.Holding
            || seed.LossGain is not { } gain
            || seed.GainEvaluations < seed.RequiredEvaluations)
        {
            return;
        }

        string evidence = $"gain {gain.Mean:F5} +- {gain.HalfWidth:F5} nats against {seed.RequiredGain:F5} required";
        if (gain.Lower > seed.RequiredGain)
        {
            commands.Fossilize(seed.Seed, $"it pays for itself: {evidence}");
        }
        else if (gain.Upper < seed.RequiredGain)
        {
            commands.Cull(seed.Seed, $"it does not pay for itself: {evidence}");
        }
    }
}

using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Grows when validation loss falls slowly, where the gradient says that a module would help most, and keeps what has measurably
/// helped.
/// <list type="bullet">
/// <item><description>When: the mean fall of validation loss over <see cref="PolicyOptions.PlateauWindow"/> epochs is below
/// <see cref="PolicyOptions.PlateauImprovement"/> an epoch.</description></item>
/// <item><description>Where: the dormant seeds with the largest <see cref="GrowthSignal.Signal"/> whose two probe halves
/// agree.</description></item>
/// <item><description>What: the first affordable blueprint that has not failed at that seed.</description></item>
/// <item><description>Keep or cull: by the 95 % interval of the measured gain against what the module has to pay for; undecided
/// seeds are measured on.</description></item>
/// </list>
/// </summary>
public sealed class HeuristicPolicy(PolicyOptions options) : IGrowthPolicy
{
    /// <summary>Least cosine between the two halves of a probe: below it the signal is mostly noise.</summary>
    private const double LeastAgreement = 0.1;

    /// <inheritdoc/>
    public string Name => "heuristic";

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) =>
        GrowthWindow.Places(state, options) > 0 && Improvement(state) is { } fall && fall < options.PlateauImprovement;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        foreach (SeedObservation seed in state.Seeds)
        {
            HoldingJudge.Judge(seed, commands);
        }

        if (NeedsProbe(state))
        {
            Grow(state, Improvement(state)!.Value, commands);
        }

        return commands.ToImmutable();
    }

    private void Grow(SystemState state, double fall, CommandList commands)
    {
        IEnumerable<SeedObservation> best = GrowthWindow.Free(state)
            .Where(seed => seed.Growth is { Signal: > 0 } growth && growth.Agreement >= LeastAgreement)
            .OrderByDescending(seed => seed.Growth!.Value.Signal)
            .ThenBy(seed => seed.Seed)
            .Take(GrowthWindow.Places(state, options));
        foreach (SeedObservation seed in best)
        {
            string? blueprint = seed.Affordable.FirstOrDefault(name => !seed.RejectedBlueprints.Contains(name));
            if (blueprint is not null)
            {
                GrowthSignal growth = seed.Growth!.Value;
                commands.Germinate(
                    seed.Seed,
                    blueprint,
                    $"validation loss falls by {fall:P1} an epoch; signal {growth.Signal:G3} nats, agreement {growth.Agreement:F2}");
            }
        }
    }

    /// <summary>Mean relative fall of validation loss an epoch over the window; null while the history is too short.</summary>
    private double? Improvement(SystemState state)
    {
        int window = options.PlateauWindow;
        if (state.History.Length <= window)
        {
            return null;
        }

        double before = state.History[^(window + 1)].ValidationLoss;
        double after = state.History[^1].ValidationLoss;
        return (before - after) / (window * before);
    }
}

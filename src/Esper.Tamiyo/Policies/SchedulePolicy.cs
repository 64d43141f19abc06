using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Germinates at fixed epochs, blind to all measurements: every <see cref="PolicyOptions.ScheduleInterval"/> epochs from
/// <see cref="PolicyOptions.StartEpoch"/>, first the first seed of every site, then the second, and so on.
/// </summary>
public sealed class SchedulePolicy(PolicyOptions options) : IGrowthPolicy
{
    /// <inheritdoc/>
    public string Name => "schedule";

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) => false;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        GrowthWindow.OfferHolding(state, commands);
        int places = GrowthWindow.Places(state, options);
        if (places > 0 && (state.Epoch - options.StartEpoch) % options.ScheduleInterval == 0)
        {
            BudgetLedger budget = new(state.Allowance);
            IOrderedEnumerable<SeedObservation> inTurn =
                GrowthWindow.Free(state).OrderBy(seed => seed.Seed.Seed).ThenBy(seed => seed.Seed.Site);
            foreach (SeedObservation seed in inTurn)
            {
                if (places > 0 && budget.Affordable(seed).FirstOrDefault() is { } blueprint)
                {
                    budget.Take(blueprint, seed);
                    places--;
                    commands.Germinate(seed.Seed, blueprint.Name, $"scheduled for epoch {state.Epoch}");
                }
            }
        }

        return commands.ToImmutable();
    }
}

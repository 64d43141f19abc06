using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Fills each free place with probability <see cref="PolicyOptions.RandomProbability"/>, seed and blueprint drawn uniformly: the
/// control for every choice that claims to be better than chance. Its draws depend on the run's seed and the epoch alone.
/// </summary>
public sealed class RandomPolicy(PolicyOptions options) : IGrowthPolicy
{
    private static readonly ulong Stream = KeyedRandom.Key("policy.random");

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) => false;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        GrowthWindow.OfferHolding(state, commands);
        BudgetLedger budget = new(state.Allowance);
        List<SeedObservation> free = [.. GrowthWindow.Free(state)];
        int places = GrowthWindow.Places(state, options);
        for (int place = 0; place < places && free.Count > 0; place++)
        {
            ulong[] key = [Stream, (ulong)state.RunSeed, (ulong)state.Epoch, (ulong)place];
            double draw = KeyedRandom.Uniform([.. key, 0]);
            if (draw >= options.RandomProbability)
            {
                continue;
            }

            int index = KeyedRandom.Below(free.Count, [.. key, 1]);
            SeedObservation seed = free[index];
            Blueprint[] affordable = [.. budget.Affordable(seed)];
            Blueprint blueprint = affordable[KeyedRandom.Below(affordable.Length, [.. key, 2])];
            budget.Take(blueprint, seed);
            commands.Germinate(seed.Seed, blueprint.Name, $"drawn with {draw:F3} below {options.RandomProbability:F3}");
            free.RemoveAt(index);
            free.RemoveAll(place => !budget.Affordable(place).Any());
        }

        return commands.ToImmutable();
    }
}

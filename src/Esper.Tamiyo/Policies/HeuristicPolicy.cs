using System.Collections.Immutable;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Grows when validation loss falls slowly, where the gradient says that a module would help most, and keeps what has measurably
/// helped.
/// <list type="bullet">
/// <item><description>When: the mean fall of validation loss over <see cref="PolicyOptions.PlateauWindow"/> epochs is below
/// <see cref="PolicyOptions.PlateauImprovement"/> an epoch; a window of 0 waits for nothing.</description></item>
/// <item><description>Where: the dormant seeds whose two probe halves agree and whose squared <see cref="GrowthSignal.Signal"/> is
/// largest for what the module would cost (<see cref="PolicyOptions.CostExponent"/>, <see cref="PolicyOptions.FlopsExponent"/>).</description></item>
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
        GrowthWindow.Places(state, options) > 0 && Occasion(state) is not null;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        foreach (SeedObservation seed in state.Seeds)
        {
            HoldingJudge.Judge(seed, commands);
        }

        if (GrowthWindow.Places(state, options) > 0 && Occasion(state) is { } occasion)
        {
            Grow(state, occasion, commands);
        }

        return commands.ToImmutable();
    }

    private void Grow(SystemState state, string occasion, CommandList commands)
    {
        BudgetLedger budget = new(state.Allowance);
        int places = GrowthWindow.Places(state, options);
        foreach ((SeedObservation seed, Blueprint blueprint, GrowthSignal growth) in Candidates(state))
        {
            if (places == 0)
            {
                break;
            }

            if (budget.Allows(blueprint, seed))
            {
                budget.Take(blueprint, seed);
                places--;
                commands.Germinate(
                    seed.Seed, blueprint.Name, $"{occasion}; signal {growth.Signal:G3} nats, agreement {growth.Agreement:F2}");
            }
        }
    }

    /// <summary>Places with what would grow there, the most promising first.</summary>
    private List<(SeedObservation Seed, Blueprint Blueprint, GrowthSignal Growth)> Candidates(SystemState state)
    {
        List<(SeedObservation Seed, Blueprint Blueprint, GrowthSignal Growth, double Score)> candidates = [];
        foreach (SeedObservation seed in GrowthWindow.Free(state))
        {
            string? name = seed.Affordable.FirstOrDefault(name => !seed.RejectedBlueprints.Contains(name));
            if (name is not null && seed.Growth is { Signal: > 0 } growth && growth.Agreement >= LeastAgreement)
            {
                Blueprint blueprint = Blueprint.Parse(name);

                // A gradient step lowers the loss by the gradient's squared norm.
                double promise = growth.Signal * growth.Signal;
                candidates.Add((seed, blueprint, growth, promise / BudgetLedger.Weight(blueprint, seed, state.Allowance, options)));
            }
        }

        return
        [
            .. candidates.OrderByDescending(candidate => candidate.Score)
                .ThenBy(candidate => candidate.Seed.Seed)
                .Select(candidate => (candidate.Seed, candidate.Blueprint, candidate.Growth)),
        ];
    }

    /// <summary>Why now is the time to grow; null if it is not.</summary>
    private string? Occasion(SystemState state)
    {
        int window = options.PlateauWindow;
        if (window == 0)
        {
            return "growth from the start";
        }

        if (state.History.Length <= window)
        {
            return null;
        }

        double before = state.History[^(window + 1)].ValidationLoss;
        double after = state.History[^1].ValidationLoss;
        double fall = (before - after) / (window * before);
        return fall < options.PlateauImprovement ? $"validation loss falls by {fall:P1} an epoch" : null;
    }
}

using Esper.Contracts;
using Esper.Contracts.Control;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// What keeps an arm from being pulled although a strategy likes it: budget, cap of its blueprint, cool-down after a cull, grafts under
/// way. Follows the choices of one decision as they are made.
/// </summary>
internal sealed class ArmLimits
{
    private readonly PolicyOptions _options;
    private readonly HashSet<SeedId> _taken = [];
    private readonly Dictionary<string, int> _modules = [];
    private readonly Dictionary<(int Site, string Blueprint), int> _pending = [];
    private readonly HashSet<(int Site, string Blueprint)> _cooling = [];
    private readonly BudgetLedger _budget;

    public ArmLimits(SystemState state, PolicyOptions options)
    {
        _options = options;
        _budget = new BudgetLedger(state.Allowance);
        foreach (GraftOutcome outcome in state.Outcomes)
        {
            bool culled = outcome.Ending?.Kind == GraftEnd.Culled;
            if (!culled)
            {
                Add(_modules, outcome.Blueprint);
            }
            else if (outcome.Ending!.Epoch + options.CooldownEpochs > state.Epoch)
            {
                _cooling.Add((outcome.Seed.Site, outcome.Blueprint));
            }

            if (outcome.IsPending)
            {
                Add(_pending, (outcome.Seed.Site, outcome.Blueprint));
            }
        }
    }

    /// <summary>The seed at which an arm may be pulled now; null if it may not.</summary>
    public SeedObservation? Place(GrowthArm arm)
    {
        string name = arm.Blueprint.Name;
        bool capped = _options.BlueprintCap > 0 && _modules.GetValueOrDefault(name) >= _options.BlueprintCap;
        bool waiting = _pending.GetValueOrDefault((arm.Site, name)) >= _options.MaximumPending;
        return capped || waiting || _cooling.Contains((arm.Site, name)) ? null : arm.Places.Find(place =>
            !_taken.Contains(place.Seed) && _budget.Allows(arm.Blueprint, place));
    }

    /// <summary>The arm is pulled at the seed.</summary>
    public void Take(GrowthArm arm, SeedObservation place)
    {
        _taken.Add(place.Seed);
        Add(_modules, arm.Blueprint.Name);
        Add(_pending, (arm.Site, arm.Blueprint.Name));
        _budget.Take(arm.Blueprint, place);
    }

    private static void Add<T>(Dictionary<T, int> counts, T key)
        where T : notnull => counts[key] = counts.GetValueOrDefault(key) + 1;
}

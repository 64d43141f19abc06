using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Policies;

/// <summary>One thing that a bandit can do: grow a blueprint at a site, or at one of its seeds.</summary>
/// <param name="Site">The site.</param>
/// <param name="Blueprint">The blueprint.</param>
/// <param name="Places">Free seeds where it could grow, in order; empty for an arm of the past.</param>
internal sealed record GrowthArm(int Site, Blueprint Blueprint, List<SeedObservation> Places);

/// <summary>
/// The arms of a decision. For strategies without context an arm is (site, blueprint), so that the seeds of a site learn from one
/// another; for contextual ones it is (seed, blueprint), told apart by features.
/// </summary>
internal sealed class ArmTable
{
    private readonly Dictionary<(int Site, int Seed, string Blueprint), int> _index = [];
    private readonly List<GrowthArm> _arms = [];
    private readonly bool _contextual;

    /// <summary>Collects the arms of a state.</summary>
    public ArmTable(SystemState state, bool contextual)
    {
        _contextual = contextual;
        foreach (SeedObservation seed in GrowthWindow.Free(state))
        {
            foreach (string blueprint in seed.Affordable)
            {
                Arm(seed.Seed, blueprint).Places.Add(seed);
            }
        }

        Current = _arms.Count;
        foreach (GraftOutcome outcome in contextual ? [] : state.Outcomes)
        {
            Arm(outcome.Seed, outcome.Blueprint);
        }
    }

    /// <summary>All arms; those that could grow now come first.</summary>
    public IReadOnlyList<GrowthArm> Arms => _arms;

    /// <summary>Number of arms that could grow now.</summary>
    public int Current { get; }

    /// <summary>The arm of a graft; -1 for a contextual strategy, whose arms of the past are gone.</summary>
    public int IndexOf(GraftOutcome outcome) => _contextual ? -1 : _index[Key(outcome.Seed, outcome.Blueprint)];

    /// <summary>The arms with features and prices, all eligible that have a place.</summary>
    public ArmSet ToArmSet(SystemState state, PolicyOptions options)
    {
        ArmSet set = new(_arms.Count, _contextual ? ArmFeatures.Count : 0);
        Span<double> features = stackalloc double[ArmFeatures.Count];
        for (int arm = 0; arm < _arms.Count; arm++)
        {
            GrowthArm entry = _arms[arm];
            set.SetEligible(arm, entry.Places.Count > 0);
            if (entry.Places.Count == 0)
            {
                continue;
            }

            SeedObservation place = entry.Places[0];
            double parameters = (double)entry.Blueprint.ParameterCount(place.Channels) / state.Allowance.HostParameters;
            double flops = (double)entry.Blueprint.ForwardFlops(place.Channels, place.Positions) / state.Allowance.HostFlops;
            double rent = (options.RentParameters * parameters) + (options.RentFlops * flops);
            set.SetCost(
                arm, rent / options.RewardScale, BudgetLedger.Weight(entry.Blueprint, place, state.Allowance, options));
            if (_contextual)
            {
                ArmFeatures.Write(state, place.Seed, entry.Blueprint, ContextOf(state, place), state.Epoch, features);
                set.SetFeatures(arm, features);
            }
        }

        return set;
    }

    /// <summary>What is known of a place now, in the form in which a graft would record it.</summary>
    public static GraftContext ContextOf(SystemState state, SeedObservation place) =>
        new(place.Channels, place.Positions, state.LiveSeeds, place.Growth);

    private GrowthArm Arm(SeedId seed, string blueprint)
    {
        (int, int, string) key = Key(seed, blueprint);
        if (!_index.TryGetValue(key, out int index))
        {
            index = _arms.Count;
            _index.Add(key, index);
            _arms.Add(new GrowthArm(seed.Site, Blueprint.Parse(blueprint), []));
        }

        return _arms[index];
    }

    private (int Site, int Seed, string Blueprint) Key(SeedId seed, string blueprint) =>
        (seed.Site, _contextual ? seed.Seed : -1, blueprint);
}

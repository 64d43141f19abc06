using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;

namespace Esper.Tamiyo.Policies;

/// <summary>What is left of the budget while one decision takes several modules.</summary>
internal sealed class BudgetLedger(GrowthAllowance allowance)
{
    private double _parameters = allowance.ParametersLeft;
    private double _flops = allowance.FlopsLeft;

    /// <summary>Whether the budget still has room for a module at a place.</summary>
    public bool Allows(Blueprint blueprint, SeedObservation place) =>
        blueprint.ParameterCount(place.Channels) <= _parameters
        && blueprint.ForwardFlops(place.Channels, place.Positions) <= _flops;

    /// <summary>Takes what a module at a place costs.</summary>
    public void Take(Blueprint blueprint, SeedObservation place)
    {
        _parameters -= blueprint.ParameterCount(place.Channels);
        _flops -= blueprint.ForwardFlops(place.Channels, place.Positions);
    }

    /// <summary>The blueprints, in order of preference, that a place could still be given.</summary>
    public IEnumerable<Blueprint> Affordable(SeedObservation place) =>
        place.Affordable.Select(Blueprint.Parse).Where(blueprint => Allows(blueprint, place));

    /// <summary>
    /// What a module costs to those that rank by gain per cost: (share of the host's parameters)^<see cref="PolicyOptions.CostExponent"/>
    /// times (share of its operations)^<see cref="PolicyOptions.FlopsExponent"/>.
    /// </summary>
    public static double Weight(Blueprint blueprint, SeedObservation place, GrowthAllowance allowance, PolicyOptions options)
    {
        double parameters = (double)blueprint.ParameterCount(place.Channels) / allowance.HostParameters;
        double flops = (double)blueprint.ForwardFlops(place.Channels, place.Positions) / allowance.HostFlops;
        return Math.Pow(parameters, options.CostExponent) * Math.Pow(flops, options.FlopsExponent);
    }
}

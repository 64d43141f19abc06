using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tamiyo.Policies;

namespace Esper.Tamiyo;

/// <summary>The policies by name.</summary>
public static class GrowthPolicies
{
    /// <summary>Names of all policies.</summary>
    public static ImmutableArray<string> Names { get; } = ["none", "schedule", "random", "heuristic"];

    /// <summary>Creates the policy that <see cref="PolicyOptions.Kind"/> names.</summary>
    /// <exception cref="EsperException">There is no such policy.</exception>
    public static IGrowthPolicy Create(PolicyOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Kind switch
        {
            "none" => new NonePolicy(),
            "schedule" => new SchedulePolicy(options),
            "random" => new RandomPolicy(options),
            "heuristic" => new HeuristicPolicy(options),
            _ => throw new EsperException($"policy.kind: '{options.Kind}' is unknown; known are {string.Join(", ", Names)}."),
        };
    }
}

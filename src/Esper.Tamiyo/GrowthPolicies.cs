using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tamiyo.Policies;

namespace Esper.Tamiyo;

/// <summary>The policies by name.</summary>
public static class GrowthPolicies
{
    /// <summary>Names of all policies.</summary>
    public static ImmutableArray<string> Names { get; } =
    [
        "none", "schedule", "random", "heuristic", "epsilon-greedy", "ucb1", "thompson", "linucb", "linear-thompson", "halving",
    ];

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
            "epsilon-greedy" or "ucb1" or "thompson" or "linucb" or "linear-thompson" => new BanditPolicy(options),
            "halving" => new HalvingPolicy(options),
            _ => throw new EsperException($"policy.kind: '{options.Kind}' is unknown; known are {string.Join(", ", Names)}."),
        };
    }
}

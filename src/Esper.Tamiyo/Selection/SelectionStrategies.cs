using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>The strategies by name.</summary>
public static class SelectionStrategies
{
    /// <summary>Names of all strategies.</summary>
    public static ImmutableArray<string> Names { get; } =
        ["random", "epsilon-greedy", "ucb1", "thompson", "linucb", "linear-thompson", "halving"];

    /// <summary>Creates a strategy.</summary>
    /// <exception cref="EsperException">There is none of that name.</exception>
    public static ISelectionStrategy Create(string name, SelectionOptions options) => name switch
    {
        "random" => new RandomSelection(),
        "epsilon-greedy" => new EpsilonGreedy(options),
        "ucb1" => new Ucb1(options),
        "thompson" => new ThompsonSampling(options),
        "linucb" => new LinUcb(options),
        "linear-thompson" => new LinearThompson(options),
        "halving" => new SuccessiveHalving(options),
        _ => throw new EsperException($"There is no selection strategy '{name}'; known are {string.Join(", ", Names)}."),
    };
}

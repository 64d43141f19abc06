using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Control;

/// <summary>What was known of a place when a module was attached there: the raw material of a policy's features.</summary>
/// <param name="Channels">Channels of the chunk.</param>
/// <param name="Positions">Positions an example at the site.</param>
/// <param name="LiveSeeds">Seeds between Germinated and Holding before it.</param>
/// <param name="Growth">The gradient probe there; null where none was taken.</param>
public sealed record GraftContext(int Channels, long Positions, int LiveSeeds, GrowthSignal? Growth);

/// <summary>How a graft ended.</summary>
public enum GraftEnd
{
    /// <summary>It became a permanent part of the model.</summary>
    Fossilized,

    /// <summary>It was removed.</summary>
    Culled,
}

/// <summary>The end of a graft.</summary>
/// <param name="Epoch">Epochs done when it ended.</param>
/// <param name="Kind">How it ended.</param>
/// <param name="From">Stage in which it ended.</param>
/// <param name="Issuer">Who ended it.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record GraftEnding(int Epoch, GraftEnd Kind, SeedStage From, string Issuer, string Reason);

/// <summary>One module that was attached to a seed, from germination to its end: what a policy learns from.</summary>
/// <param name="Id">Number of the graft within the run, from 0, in order of germination.</param>
/// <param name="Seed">Where; names site and seed.</param>
/// <param name="Blueprint">What, by its canonical name.</param>
/// <param name="Issuer">Who asked for it.</param>
/// <param name="Context">What was known of the place when it was decided.</param>
/// <param name="EpochGerminated">Epochs done when it germinated.</param>
/// <param name="Parameters">Parameters of the module.</param>
/// <param name="Flops">Its forward operations for one example.</param>
/// <param name="Ending">How it ended; null while it lives.</param>
/// <param name="Reward">
/// Its counterfactual gain in validation loss (nats), known when it ends: null while it lives, and for good where it was removed before
/// any evaluation.
/// </param>
public sealed record GraftOutcome(
    int Id,
    SeedId Seed,
    string Blueprint,
    string Issuer,
    GraftContext Context,
    int EpochGerminated,
    long Parameters,
    long Flops,
    GraftEnding? Ending,
    Estimate? Reward)
{
    /// <summary>Whether the graft lives: nobody knows yet what it is worth.</summary>
    public bool IsPending => Ending is null;
}

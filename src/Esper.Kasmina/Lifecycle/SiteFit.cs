using Esper.Contracts.Blueprints;
using Esper.Graph;

namespace Esper.Kasmina.Lifecycle;

/// <summary>Which blueprints suit which sites.</summary>
public static class SiteFit
{
    /// <summary>
    /// Why a blueprint does not suit a site of that layout; null if it does. What mixes positions suits images [N, C, H, W] alone, in
    /// whatever order they lie in memory: on a sequence it would let a token see those behind it, and a causal host would read its
    /// own answers.
    /// </summary>
    public static string? Objection(Blueprint blueprint, SiteLayout layout)
    {
        ArgumentNullException.ThrowIfNull(blueprint);
        return blueprint.MixesPositions && layout != SiteLayout.Nchw
            ? $"'{blueprint.Name}' mixes the positions of an example and suits image sites [N, C, H, W] alone; on tokens each position "
                + "would see those behind it. affine, lowrank-RANK and bottleneck-RANK work on every position by itself"
            : null;
    }
}

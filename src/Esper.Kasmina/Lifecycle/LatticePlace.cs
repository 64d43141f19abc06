using Esper.Contracts;
using Esper.Graph;

namespace Esper.Kasmina.Lifecycle;

/// <summary>Where a seed sits.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="SiteName">Name of the site's value in the host graph.</param>
/// <param name="Channels">Channels of its chunk.</param>
/// <param name="Positions">Positions an example (height x width, or tokens).</param>
/// <param name="Layout">Kind of the site's value; says which blueprints suit it.</param>
public sealed record LatticePlace(SeedId Seed, string SiteName, int Channels, long Positions, SiteLayout Layout);

namespace Esper.Kasmina.Lifecycle;

/// <summary>A choice that growth can make: a blueprint at a site, whichever of its seeds carries it.</summary>
/// <param name="Site">Number of the site.</param>
/// <param name="Blueprint">Canonical name of the blueprint.</param>
public readonly record struct SeedArm(int Site, string Blueprint)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Blueprint} at site {Site}";
}

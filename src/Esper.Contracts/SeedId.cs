namespace Esper.Contracts;

/// <summary>Names one seed: the site it sits at and its number among the site's seeds, both from 0.</summary>
/// <param name="Site">Number of the site, in graph order.</param>
/// <param name="Seed">Number of the seed within its site, in channel order.</param>
public readonly record struct SeedId(int Site, int Seed) : IComparable<SeedId>
{
    /// <summary>Orders by site, then by seed.</summary>
    public int CompareTo(SeedId other) => Site != other.Site ? Site.CompareTo(other.Site) : Seed.CompareTo(other.Seed);

    /// <summary>Short text form, such as <c>2.0</c>.</summary>
    public override string ToString() => $"{Site}.{Seed}";

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>.</summary>
    public static bool operator <(SeedId left, SeedId right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/>.</summary>
    public static bool operator >(SeedId left, SeedId right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> does not come after <paramref name="right"/>.</summary>
    public static bool operator <=(SeedId left, SeedId right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> does not come before <paramref name="right"/>.</summary>
    public static bool operator >=(SeedId left, SeedId right) => left.CompareTo(right) >= 0;
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A host graph with lattices, and where they sit. Equal when both are.</summary>
/// <param name="Graph">The graph with one esper.Lattice node a site.</param>
/// <param name="Sites">The sites in order of their numbers.</param>
public sealed record WrappedGraph(HostGraph Graph, ImmutableArray<LatticeSite> Sites)
{
    /// <summary>Number of seeds of all sites together.</summary>
    public int SeedCount => Sites.Sum(s => s.Seeds);

    /// <summary>Whether graph and sites are equal.</summary>
    public bool Equals(WrappedGraph? other) =>
        other is not null && Graph.Equals(other.Graph) && Sites.AsSpan().SequenceEqual(other.Sites.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Graph, Sites.Length);
}

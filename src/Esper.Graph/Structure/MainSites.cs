using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A place that the structure of a graph offers for a lattice: a residual join, or the output of a block.</summary>
/// <param name="Value">Number of the value in the flow.</param>
/// <param name="Name">Its name.</param>
/// <param name="Join">Whether it is a residual join.</param>
/// <param name="Extents">What its stage is known by: channels and positions.</param>
internal sealed record MainSite(int Value, string Name, bool Join, (long Channels, long Positions) Extents);

/// <summary>
/// The main line of a graph: its residual joins, and where no join is, the outputs of blocks. Between two weights, values that all of
/// the flow passes are one block's; its output is the last one that still has the axes and channels that the weight made, before they
/// are averaged or flattened. What lies before the first weight, behind the last one or inside an attention softmax is left out.
/// </summary>
internal static class MainSites
{
    /// <summary>The sites in graph order.</summary>
    public static ImmutableArray<MainSite> Find(GraphStructure structure)
    {
        GraphFlow flow = structure.Flow;
        MainSite[] sites = [.. structure.Inner.Select(value => Describe(structure, value))];
        IEnumerable<MainSite> joins = sites.Where(site => site.Join);
        IEnumerable<MainSite> blocks = sites
            .Where(site => flow.IsCut(site.Value))
            .GroupBy(site => flow.DepthOf(site.Value))
            .Where(block => !block.Any(site => site.Join))
            .Select(block => OutputOf(structure, [.. block]));
        return [.. joins.Concat(blocks).OrderBy(site => site.Value)];
    }

    /// <summary>The last site of each stage: of each run of sites with the same channels and positions.</summary>
    public static ImmutableArray<MainSite> StageEnds(ImmutableArray<MainSite> sites) =>
        [.. sites.Where((site, i) => i + 1 == sites.Length || sites[i + 1].Extents != site.Extents)];

    private static MainSite Describe(GraphStructure structure, int value)
    {
        string name = structure.Flow.NameOf(value);
        TensorShape shape = structure.Shapes[name].Shape;
        long channels = shape[structure.Channels.Of(name).Axis].Size;
        return new MainSite(value, name, structure.Joins.ContainsKey(name), (channels, shape.ElementsPerExample / channels));
    }

    private static MainSite OutputOf(GraphStructure structure, MainSite[] block)
    {
        MainSite first = block[0];
        int rank = RankOf(first);
        return block.Last(site => RankOf(site) == rank && site.Extents.Channels == first.Extents.Channels
            && (site.Extents.Positions > 1 || first.Extents.Positions == 1));

        int RankOf(MainSite site) => structure.Shapes[site.Name].Shape.Rank;
    }
}

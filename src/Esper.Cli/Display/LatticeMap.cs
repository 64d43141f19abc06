using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;

namespace Esper.Cli.Display;

/// <summary>
/// The lattice as a map: a row a site, a cell a seed. A cell is the stage's letter on its colour, and while alpha rises
/// a bar of alpha's height; where a site is too wide, the bars and gaps go, then the row wraps.
/// </summary>
internal static class LatticeMap
{
    private const int WideCell = 3;
    private const int MostName = 24;

    /// <summary>The rows, then the legend of the stages that occur; nothing for a host without a lattice.</summary>
    public static IReadOnlyList<StyledLine> Build(RunProgress progress, int width, Glyphs glyphs)
    {
        RunInfo info = progress.Info;
        if (info.Sites.IsEmpty)
        {
            return [];
        }

        int nameWidth = Math.Min(Math.Min(MostName, width / 3), info.Sites.Max(s => s.Name.Length)) + 2;
        int room = Math.Max(1, width - nameWidth);
        bool wide = info.Sites.Max(s => s.SeedChannels.Length) * WideCell <= room;
        List<StyledLine> lines = [.. info.Sites.SelectMany(site => Site(progress, site, nameWidth, room, wide, glyphs))];
        lines.AddRange(Legend(progress, nameWidth, width, glyphs));
        return lines;
    }

    private static IEnumerable<StyledLine> Site(
        RunProgress progress, SiteInfo site, int nameWidth, int room, bool wide, Glyphs glyphs)
    {
        // Rows of a wrapped site are of about one length: none holds a last seed alone.
        int rows = wide ? 1 : (site.SeedChannels.Length + room - 1) / room;
        int perRow = (site.SeedChannels.Length + rows - 1) / rows;
        for (int start = 0; start < site.SeedChannels.Length; start += perRow)
        {
            // The end of a value's name tells sites apart, not its beginning.
            string name = start > 0 ? string.Empty
                : site.Name.Length <= nameWidth - 2 ? site.Name
                : glyphs.Ellipsis + site.Name[^Math.Max(0, nameWidth - 2 - glyphs.Ellipsis.Length)..];
            StyledLine line = new StyledLine().Add(name.PadRight(nameWidth));
            for (int seed = start; seed < Math.Min(start + perRow, site.SeedChannels.Length); seed++)
            {
                AddCell(line, progress.Seed(new SeedId(site.Index, seed)), wide, glyphs);
            }

            yield return line;
        }
    }

    private static void AddCell(StyledLine line, (SeedStage Stage, double Alpha) seed, bool wide, Glyphs glyphs)
    {
        string letter = glyphs.Letter(seed.Stage);
        if (!wide)
        {
            line.Add(letter, Styles.Cell(seed.Stage));
            return;
        }

        bool rising = seed.Stage is SeedStage.Blending or SeedStage.Holding && seed.Alpha < 1;
        line.Add(letter + (rising ? glyphs.Level(seed.Alpha) : ' '), Styles.Cell(seed.Stage)).Add(" ");
    }

    private static IEnumerable<StyledLine> Legend(RunProgress progress, int indent, int width, Glyphs glyphs)
    {
        IEnumerable<SeedStage> present = progress.Info.Sites
            .SelectMany(site => Enumerable.Range(0, site.SeedChannels.Length)
            .Select(i => progress.Seed(new SeedId(site.Index, i)).Stage))
            .Distinct().Order();
        StyledLine line = new StyledLine().Add(new string(' ', indent));
        foreach (SeedStage stage in present)
        {
            string name = $" {StagePalette.Of(stage).Name}  ";
            if (line.Width > indent && line.Width + name.Length + 1 > width + 2)
            {
                yield return line;
                line = new StyledLine().Add(new string(' ', indent));
            }

            line.Add(glyphs.Letter(stage), Styles.Cell(stage)).Add(name, Styles.Dim);
        }

        yield return line;
    }
}

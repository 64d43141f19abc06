using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>Draws the life of all seeds: a row a seed, grouped by site, coloured by stage over epochs.</summary>
internal sealed class Timeline
{
    private const double Width = 1144;
    private const double Left = 128;
    private const double Right = 16;
    private const double SiteHeight = 22;
    private const double CharacterWidth = 6.1;
    private const int FoldFrom = 3;

    private readonly RunInfo _info;
    private readonly Markup _out;
    private readonly Scale _x;
    private readonly double _epochs;
    private readonly double _rowHeight;
    private readonly List<Row> _rows;

    private Timeline(RunInfo info, IReadOnlyList<StageHistory> histories, double epochs, Markup output)
    {
        _info = info;
        _out = output;
        _epochs = epochs;
        _x = new Scale(0, epochs, Left, Width - Right);
        _rows = Rows(info, histories);
        _rowHeight = _rows.Count <= 40 ? 20 : 15;
    }

    /// <summary>Appends the drawing and the legend of stages.</summary>
    public static void Draw(RunInfo info, IReadOnlyList<StageHistory> histories, double epochs, Markup output)
    {
        new Timeline(info, histories, epochs, output).Draw();
        DrawLegend(output);
    }

    /// <summary>Appends the stages with letters and colours.</summary>
    public static void DrawLegend(Markup output)
    {
        output.Open("ul", ("class", "legend"));
        foreach (StageStyle style in StagePalette.All)
        {
            output.Open("li").Element("span", style.Letter.ToString(), ("class", $"key st{(int)style.Stage}"))
                .Text(style.Name).Close();
        }

        output.Close();
    }

    private static List<Row> Rows(RunInfo info, IReadOnlyList<StageHistory> histories)
    {
        List<Row> rows = [];
        foreach (SiteInfo site in info.Sites)
        {
            StageHistory[] own = [.. histories.Where(h => h.Seed.Site == site.Index)];
            int idle = own.Count(h => !h.EverGrew);
            bool fold = idle >= FoldFrom;
            rows.Add(new Row(site, null, 0));
            rows.AddRange(own.Where(h => h.EverGrew || !fold).Select(h => new Row(site, h, 0)));
            if (fold)
            {
                rows.Add(new Row(site, null, idle));
            }
        }

        return rows;
    }

    private void Draw()
    {
        const double top = 24, bottom = 36;
        double height = top + _rows.Sum(HeightOf) + bottom;
        _out.Open("div", ("class", "scroll wide"))
            .Open("svg", [.. Svg.Root(Width, height), ("role", "img"),
                ("aria-label", "Stages of all seeds over epochs"), ("class", "chart")]);
        DrawGrid(top, height - bottom);
        double y = top;
        foreach (Row row in _rows)
        {
            DrawRow(row, y);
            y += HeightOf(row);
        }

        _out.Element("text", "epoch", ("class", "unit mid"), ("x", Svg.Pixel((Left + Width - Right) / 2)),
            ("y", Svg.Pixel(height - 4)))
            .Close().Close();
    }

    private double HeightOf(Row row) => row.IsSite ? SiteHeight : _rowHeight;

    private void DrawGrid(double top, double bottom)
    {
        foreach (double tick in Ticks.Within(0, _epochs, 16, smallestStep: 1))
        {
            string x = Svg.Pixel(_x[tick]), label = HumanText.Tick(tick);
            _out.Empty("line", ("class", "grid"), ("x1", x), ("x2", x), ("y1", Svg.Pixel(top)), ("y2", Svg.Pixel(bottom)))
                .Element("text", label, ("class", "tick mid"), ("x", x), ("y", Svg.Pixel(top - 8)))
                .Element("text", label, ("class", "tick mid"), ("x", x), ("y", Svg.Pixel(bottom + 15)));
        }
    }

    private void DrawRow(Row row, double y)
    {
        if (row.IsSite)
        {
            string text = $"site {row.Site.Index}  {row.Site.Name}  ({row.Site.Channels} channels)";
            _out.Element("text", text, ("class", "site"), ("x", "2"), ("y", Svg.Pixel(y + 15)));
            return;
        }

        double middle = y + (_rowHeight / 2);
        if (row.History is not { } history)
        {
            bool all = row.Folded == row.Site.SeedChannels.Length;
            _out.Element("text", all ? $"{row.Folded} seeds" : $"{row.Folded} others", ("class", "tick end"),
                ("x", Svg.Pixel(Left - 8)), ("y", Svg.Pixel(middle + 4)));
            DrawSpan(new StageSpan(0, _epochs, SeedStage.Dormant, null), $"{row.Folded} seeds dormant throughout", middle, null);
            return;
        }

        int channels = _info.Sites[history.Seed.Site].SeedChannels[history.Seed.Seed];
        _out.Element("text", $"seed {history.Seed}", ("class", "tick end"), ("x", Svg.Pixel(Left - 8)),
            ("y", Svg.Pixel(middle + 4)));
        HashSet<StageSpan> labelled = Labelled(history);
        foreach (StageSpan span in history.Spans)
        {
            string title = $"seed {history.Seed} ({channels} channels)\n{span.Stage}{(span.Blueprint is null ? string.Empty : $", {span.Blueprint}")}"
                + $"\nepoch {HumanText.Number(span.Start)} to {HumanText.Number(span.End)}";
            DrawSpan(span, title, middle, labelled.Contains(span) ? span.Blueprint : null);
        }
    }

    /// <summary>
    /// Of each module's life the longest span, which carries the blueprint's name if it is long enough.
    /// </summary>
    private static HashSet<StageSpan> Labelled(StageHistory history)
    {
        HashSet<StageSpan> labelled = [];
        StageSpan? longest = null;
        foreach (StageSpan span in history.Spans.Append(new StageSpan(0, 0, SeedStage.Dormant, null)))
        {
            if (!span.Stage.HasModule())
            {
                _ = longest is not null && labelled.Add(longest);
                longest = null;
            }
            else if (longest is null || span.End - span.Start > longest.End - longest.Start)
            {
                longest = span;
            }
        }

        return labelled;
    }

    private void DrawSpan(StageSpan span, string title, double middle, string? label)
    {
        double x = _x[span.Start], width = Math.Max(1.5, _x[span.End] - x);
        double height = span.Stage == SeedStage.Dormant ? 5 : _rowHeight - 4;
        int number = (int)span.Stage;
        _out.Open("rect", ("class", "span"), ("style", $"fill:var(--st{number})"), ("x", Svg.Pixel(x)),
            ("width", Svg.Pixel(width)),
                ("y", Svg.Pixel(middle - (height / 2))), ("height", Svg.Pixel(height)), ("rx", "2"))
            .Element("title", title).Close();
        if (span.Stage == SeedStage.Dormant || width < 13)
        {
            return;
        }

        string letter = StagePalette.Of(span.Stage).Letter.ToString();
        bool fits = label is not null && width > (label.Length + 2) * CharacterWidth + 8;
        _out.Element("text", fits ? $"{letter}  {label}" : letter, ("class", "inside"), ("style", $"fill:var(--si{number})"),
            ("x", Svg.Pixel(x + 4)), ("y", Svg.Pixel(middle + 4)));
    }

    /// <summary>A line of the drawing: a site's heading, a seed, or seeds that never grew.</summary>
    private sealed record Row(SiteInfo Site, StageHistory? History, int Folded)
    {
        public bool IsSite => History is null && Folded == 0;
    }
}

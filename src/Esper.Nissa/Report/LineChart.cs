using System.Text;
using Esper.Contracts.Lifecycle;

namespace Esper.Nissa.Report;

/// <summary>Draws a <see cref="ChartSpec"/> as an SVG figure.</summary>
internal sealed class LineChart
{
    private const double Width = 560;
    private const double Height = 262;
    private const double Left = 62;
    private const double Right = 14;
    private const double Top = 26;
    private const double Bottom = 38;
    private const double MarkStrip = 16;
    private const int MostDots = 40;
    private const int MostBoldSeries = 12;
    private const int MostTooltipLines = 20;

    private readonly ChartSpec _spec;
    private readonly Markup _out;
    private readonly Scale _x;
    private readonly Scale _y;
    private readonly double[] _ticks;

    private LineChart(ChartSpec spec, Markup output)
    {
        _spec = spec;
        _out = output;
        double floor = Height - Bottom - (spec.Marks.IsEmpty ? 0 : MarkStrip);
        _ticks = YTicks(spec);
        _x = new Scale(0, spec.Epochs, Left, Width - Right);
        _y = new Scale(_ticks[0], _ticks[^1], floor, Top, spec.Logarithmic);
    }

    /// <summary>Appends the figure; where there is no value, a sentence that says so.</summary>
    public static void Draw(ChartSpec spec, Markup output)
    {
        output.Open("figure").Open("figcaption").Element("h3", spec.Title);
        if (spec.Note is not null)
        {
            output.Element("p", spec.Note, ("class", "note"));
        }

        output.Close();
        if (Values(spec).Any())
        {
            new LineChart(spec, output).Draw();
        }
        else
        {
            output.Element("p", "Nothing was measured.", ("class", "empty"));
        }

        output.Close();
    }

    /// <summary>Appends a list of curves with their colours and dashes.</summary>
    public static void DrawLegend(IEnumerable<ChartSeries> series, Markup output)
    {
        output.Open("ul", ("class", "legend"));
        foreach (ChartSeries curve in series)
        {
            output.Open("li").Open("svg", Svg.Root(28, 10))
                .Empty("line", ("x1", "1"), ("y1", "5"), ("x2", "27"), ("y2", "5"),
                    ("class", curve.Faint ? "line faint" : "line"),
                    ("style", SeriesStyle.Stroke(curve.Style)))
                .Close().Text(curve.Name).Close();
        }

        output.Close();
    }

    private static IEnumerable<double> Values(ChartSpec spec) =>
        spec.Series.SelectMany(s => s.Points).Where(p => p.Y is not null).Select(p => p.Y!.Value);

    private static double[] YTicks(ChartSpec spec)
    {
        IEnumerable<double> values = spec.Reference is null ? Values(spec) : Values(spec).Append(spec.Reference.Value);
        if (spec.Logarithmic)
        {
            double[] positive = [.. values.Where(v => v > 0)];
            return positive.Length == 0 ? [0.1, 1] : Ticks.Decades(positive.Min(), positive.Max());
        }

        double low = values.Min(), high = values.Max();
        if (high - low <= 1e-9 * Math.Max(Math.Abs(low), Math.Abs(high)))
        {
            // A constant has no scale of its own: give it a tenth of itself on both sides.
            double margin = low == 0 ? 1 : Math.Abs(low) * 0.1;
            (low, high) = (low - margin, high + margin);
        }

        double[] ticks = Ticks.Covering(low, high, 5);
        double[] bounded = [.. ticks.Where(t => t >= spec.Bounds.Low - 1e-12 && t <= spec.Bounds.High + 1e-12)];
        return bounded.Length >= 2 ? bounded : ticks;
    }

    private void Draw()
    {
        _out.Open("div", ("class", "scroll"))
            .Open("svg", [.. Svg.Root(Width, Height), ("role", "img"),
                ("aria-label", $"{_spec.Title}: {_spec.Unit} over epochs"), ("class", "chart")]);
        DrawAxes();
        DrawReference();
        DrawHitColumns();
        foreach (ChartSeries series in _spec.Series)
        {
            DrawSeries(series);
        }

        DrawMarks();
        _out.Close().Close();
        if (_spec.Legend && _spec.Series.Length > 1)
        {
            DrawLegend(_spec.Series, _out);
        }
    }

    private void DrawAxes()
    {
        foreach (double tick in _ticks)
        {
            string y = Svg.Pixel(_y[tick]);
            _out.Empty("line", ("class", "grid"), ("x1", Svg.Pixel(Left)), ("x2", Svg.Pixel(Width - Right)), ("y1", y), ("y2", y))
                .Element("text", _spec.TickFormat(tick), ("class", "tick end"), ("x", Svg.Pixel(Left - 7)),
                    ("y", Svg.Pixel(_y[tick] + 4)));
        }

        foreach (double tick in Ticks.Within(0, _spec.Epochs, 8, smallestStep: 1))
        {
            _out.Element("text", HumanText.Tick(tick), ("class", "tick mid"), ("x", Svg.Pixel(_x[tick])),
                ("y", Svg.Pixel(Height - Bottom + 16)));
        }

        string floor = Svg.Pixel(_y.Start);
        _out.Empty("line", ("class", "axis"), ("x1", Svg.Pixel(Left)), ("x2", Svg.Pixel(Width - Right)), ("y1", floor),
            ("y2", floor))
            .Element("text", _spec.Unit, ("class", "unit"), ("x", "2"), ("y", "12"))
            .Element("text", "epoch", ("class", "unit mid"), ("x", Svg.Pixel((Left + Width - Right) / 2)),
                ("y", Svg.Pixel(Height - 5)));
    }

    private void DrawReference()
    {
        if (_spec.Reference is not { } reference)
        {
            return;
        }

        string y = Svg.Pixel(_y[reference.Value]);
        _out.Empty("line", ("class", "reference"), ("x1", Svg.Pixel(Left)), ("x2", Svg.Pixel(Width - Right)), ("y1", y),
            ("y2", y));
        if (reference.Label is not null)
        {
            // Above the line, but below it at the top edge, where the unit stands.
            double offset = _y[reference.Value] < Top + 14 ? 14 : -5;
            (string css, double x) = reference.LabelAtEnd ? ("tick halo end", Width - Right - 4) : ("tick halo", Left + 6);
            _out.Element("text", reference.Label, ("class", css), ("x", Svg.Pixel(x)),
                ("y", Svg.Pixel(_y[reference.Value] + offset)));
        }
    }

    /// <summary>One column an epoch whose title lists all values: a tooltip that needs no script.</summary>
    private void DrawHitColumns()
    {
        SortedDictionary<double, List<string>> columns = [];
        foreach (ChartSeries series in _spec.Series.Where(s => !s.Faint))
        {
            foreach ((double x, double? y) in series.Points)
            {
                if (y is { } value)
                {
                    columns.TryAdd(x, []);
                    columns[x].Add($"{series.Name}: {_spec.Format(value)}");
                }
            }
        }

        double[] centers = [.. columns.Keys];
        for (int i = 0; i < centers.Length; i++)
        {
            double from = i == 0 ? Math.Max(0, centers[i] - 0.5) : (centers[i - 1] + centers[i]) / 2;
            double to = i == centers.Length - 1 ? centers[i] : (centers[i] + centers[i + 1]) / 2;
            _out.Open("rect", ("class", "hit"), ("x", Svg.Pixel(_x[from])), ("width", Svg.Pixel(Math.Max(1, _x[to] - _x[from]))),
                    ("y", Svg.Pixel(Top)), ("height", Svg.Pixel(_y.Start - Top)))
                .Element("title", Tooltip(centers[i], columns[centers[i]])).Close();
        }
    }

    private static string Tooltip(double epoch, List<string> lines)
    {
        string more = lines.Count > MostTooltipLines ? $"\nand {lines.Count - MostTooltipLines} more" : string.Empty;
        return $"epoch {HumanText.Number(epoch)}\n{string.Join('\n', lines.Take(MostTooltipLines))}{more}";
    }

    private void DrawSeries(ChartSeries series)
    {
        StringBuilder path = new();
        bool pen = false;
        foreach ((double x, double? y) in series.Points)
        {
            bool drawable = y is { } value && (!_spec.Logarithmic || value > 0);
            if (drawable)
            {
                path.Append(pen ? 'L' : 'M').Append(Svg.Pixel(_x[x])).Append(' ').Append(Svg.Pixel(_y[Clamp(y!.Value)]));
            }

            pen = drawable;
        }

        if (path.Length > 0)
        {
            string css = series.Faint ? "line faint" : _spec.Series.Length > MostBoldSeries ? "line thin" : "line";
            _out.Empty("path", ("class", css), ("style", SeriesStyle.Stroke(series.Style)), ("d", path.ToString()));
        }

        DrawPoints(series);
    }

    /// <summary>
    /// Dots where there are few points or a point stands alone; triangles for zeros, which a log axis cannot show.
    /// </summary>
    private void DrawPoints(ChartSeries series)
    {
        var points = series.Points;
        bool few = !series.Faint && points.Length <= MostDots;
        for (int i = 0; i < points.Length; i++)
        {
            if (points[i].Y is not { } value)
            {
                continue;
            }

            double x = _x[points[i].X];
            bool alone = (i == 0 || points[i - 1].Y is null) && (i == points.Length - 1 || points[i + 1].Y is null);
            if (_spec.Logarithmic && value <= 0)
            {
                _out.Empty("path", ("style", SeriesStyle.Fill(series.Style)),
                    ("d", $"M{Svg.Pixel(x - 4)} {Svg.Pixel(_y.Start - 7)}h8l-4 7z"));
            }
            else if (few || alone)
            {
                _out.Empty("circle", ("style", SeriesStyle.Fill(series.Style)), ("cx", Svg.Pixel(x)),
                    ("cy", Svg.Pixel(_y[Clamp(value)])), ("r", alone ? "3.5" : "2"));
            }
        }
    }

    private void DrawMarks()
    {
        // Marks nearer than this many pixels are drawn above one another, at most three high.
        const double pitch = 7;
        foreach (IGrouping<int, EventMark> column in _spec.Marks.GroupBy(m => (int)(_x[m.X] / pitch)))
        {
            int level = 0;
            foreach (IGrouping<SeedStage, EventMark> marks in column.GroupBy(m => m.Stage).OrderByDescending(g => g.Key).Take(3))
            {
                double x = _x[marks.First().X];
                double y = _y.Start + 3 + (level++ * 4.5);
                _out.Open("path", ("class", "mark"), ("style", $"fill:var(--st{(int)marks.Key})"),
                        ("d", $"M{Svg.Pixel(x)} {Svg.Pixel(y)}l4.5 8h-9z"))
                    .Element("title", string.Join("\n\n", marks.Select(m => m.Text).Distinct())).Close();
            }
        }
    }

    private double Clamp(double value) => Math.Clamp(value, _y.Low, _y.High);
}

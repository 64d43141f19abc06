using System.Collections.Immutable;
using System.Text;

namespace Esper.Nissa.Report.Experiment;

/// <summary>A point of a mean curve; the band is absent where there is one value only.</summary>
/// <param name="X">Place on the x axis.</param>
/// <param name="Mean">Mean over seeds.</param>
/// <param name="Low">Lower end of the 95 % interval.</param>
/// <param name="High">Upper end of the 95 % interval.</param>
internal readonly record struct BandPoint(double X, double Mean, double? Low, double? High);

/// <summary>A mean curve with its band.</summary>
/// <param name="Name">Name in the legend.</param>
/// <param name="Style">Number of colour and dash, see <see cref="SeriesStyle"/>.</param>
/// <param name="Points">Points in order of x.</param>
/// <param name="Major">Drawn bold and with its band.</param>
internal sealed record BandSeries(string Name, int Style, ImmutableArray<BandPoint> Points, bool Major);

/// <summary>Draws mean curves with confidence bands as an SVG figure. Values are shares, shown in per cent.</summary>
internal sealed class BandChart
{
    private const double Width = 560;
    private const double Height = 330;
    private const double Left = 46;
    private const double Right = 26;  // Half of the last tick's label.
    private const double Top = 26;
    private const double Bottom = 40;
    private const int Columns = 28;

    private readonly ImmutableArray<BandSeries> _series;
    private readonly string _xName;
    private readonly Func<double, string> _xText;
    private readonly Markup _out;
    private readonly Scale _x;
    private readonly Scale _y;
    private readonly double[] _yTicks;

    private BandChart(ImmutableArray<BandSeries> series, string xName, Func<double, string> xText, Markup output)
    {
        (_series, _xName, _xText, _out) = (series, xName, xText, output);
        IEnumerable<BandPoint> points = series.SelectMany(s => s.Points);
        double low = 100 * points.Min(p => p.Mean), high = 100 * points.Max(p => p.Mean);
        double margin = high - low < 0.5 ? 0.5 : 0;
        _yTicks = [.. Ticks.Covering(Math.Max(0, low - margin), Math.Min(100, high + margin), 7).Where(t => t is >= 0 and <= 100)];
        _x = new Scale(0, points.Max(p => p.X), Left, Width - Right);
        _y = new Scale(_yTicks[0], _yTicks[^1], Height - Bottom, Top);
    }

    /// <summary>Appends the figure, without a legend.</summary>
    /// <param name="title">Title above it.</param>
    /// <param name="xName">What the x axis counts.</param>
    /// <param name="xText">Text of a value on it.</param>
    /// <param name="series">The curves.</param>
    /// <param name="output">Where to.</param>
    public static void Draw(string title, string xName, Func<double, string> xText, ImmutableArray<BandSeries> series, Markup output)
    {
        output.Open("figure").Open("figcaption").Element("h3", title).Close();
        new BandChart(series, xName, xText, output).Draw(title);
        output.Close();
    }

    /// <summary>Appends the legend.</summary>
    public static void DrawLegend(ImmutableArray<BandSeries> series, Markup output)
    {
        output.Open("ul", ("class", "legend"));
        foreach (BandSeries curve in series)
        {
            output.Open("li").Open("svg", Svg.Root(30, 12));
            if (curve.Major)
            {
                output.Empty("rect", ("class", "band"), ("style", SeriesStyle.Fill(curve.Style)), ("x", "0"), ("y", "0"), ("width", "30"),
                    ("height", "12"));
            }

            output.Empty("line", ("x1", "1"), ("y1", "6"), ("x2", "29"), ("y2", "6"), ("class", Css(curve)),
                ("style", SeriesStyle.Stroke(curve.Style))).Close().Text(curve.Name).Close();
        }

        output.Close();
    }

    private static string Css(BandSeries series) => series.Major ? "curve" : "curve minor";

    private void Draw(string title)
    {
        _out.Open("div", ("class", "scroll"))
            .Open("svg", [.. Svg.Root(Width, Height), ("role", "img"), ("aria-label", $"{title} over {_xName}"), ("class", "chart")]);
        DrawAxes();
        DrawHitColumns();
        foreach (BandSeries series in _series.Where(s => s.Major))
        {
            DrawBand(series);
        }

        foreach (BandSeries series in _series.OrderBy(s => s.Major))
        {
            _out.Empty("path", ("class", Css(series)), ("style", SeriesStyle.Stroke(series.Style)), ("d", Line(series)));
        }

        _out.Close().Close();
    }

    private void DrawAxes()
    {
        foreach (double tick in _yTicks)
        {
            string y = Svg.Pixel(_y[tick]);
            _out.Empty("line", ("class", "grid"), ("x1", Svg.Pixel(Left)), ("x2", Svg.Pixel(Width - Right)), ("y1", y), ("y2", y))
                .Element("text", HumanText.Tick(tick), ("class", "tick end"), ("x", Svg.Pixel(Left - 7)), ("y", Svg.Pixel(_y[tick] + 4)));
        }

        foreach (double tick in Ticks.Within(0, _x.High, 6))
        {
            _out.Element("text", _xText(tick), ("class", "tick mid"), ("x", Svg.Pixel(_x[tick])), ("y", Svg.Pixel(Height - Bottom + 16)));
        }

        string floor = Svg.Pixel(_y.Start);
        _out.Empty("line", ("class", "axis"), ("x1", Svg.Pixel(Left)), ("x2", Svg.Pixel(Width - Right)), ("y1", floor), ("y2", floor))
            .Element("text", "validation accuracy, %", ("class", "unit"), ("x", "2"), ("y", "12"))
            .Element("text", _xName, ("class", "unit mid"), ("x", Svg.Pixel((Left + Width - Right) / 2)), ("y", Svg.Pixel(Height - 5)));
    }

    private void DrawBand(BandSeries series)
    {
        BandPoint[] points = [.. series.Points.Where(p => p.Low is not null)];
        if (points.Length < 2)
        {
            return;
        }

        IEnumerable<(double X, double Y)> outline = points.Select(p => (p.X, p.High!.Value))
            .Concat(points.Reverse().Select(p => (p.X, p.Low!.Value)));
        _out.Empty("path", ("class", "band"), ("style", SeriesStyle.Fill(series.Style)), ("d", Path(outline) + "Z"));
    }

    private string Line(BandSeries series) => Path(series.Points.Select(p => (p.X, p.Mean)));

    private string Path(IEnumerable<(double X, double Y)> points)
    {
        StringBuilder path = new();
        foreach ((double x, double y) in points)
        {
            double inside = Math.Clamp(y * 100, _y.Low, _y.High);
            path.Append(path.Length == 0 ? 'M' : 'L').Append(Svg.Pixel(_x[x])).Append(' ').Append(Svg.Pixel(_y[inside]));
        }

        return path.ToString();
    }

    /// <summary>Columns whose titles list all curves there, best first: tooltips that need no script.</summary>
    private void DrawHitColumns()
    {
        double step = _x.High / Columns;
        for (int i = 0; i < Columns; i++)
        {
            double center = (i + 0.5) * step;
            string[] lines =
            [
                .. _series.Select(s => (s.Name, Point: s.Points.LastOrDefault(p => p.X <= center)))
                    .Where(entry => entry.Point.X > 0)
                    .OrderByDescending(entry => entry.Point.Mean)
                    .Select(entry => $"{entry.Name}: {HumanText.Percent(entry.Point.Mean)}"),
            ];
            if (lines.Length > 0)
            {
                _out.Open("rect", ("class", "hit"), ("x", Svg.Pixel(_x[i * step])), ("width", Svg.Pixel(_x[step] - _x[0])),
                        ("y", Svg.Pixel(Top)), ("height", Svg.Pixel(_y.Start - Top)))
                    .Element("title", $"{_xText(center)}\n{string.Join('\n', lines)}").Close();
            }
        }
    }
}

using System.Collections.Immutable;

namespace Esper.Nissa.Report;

/// <summary>One curve.</summary>
/// <param name="Name">Name in legend and tooltip.</param>
/// <param name="Style">Number of the colour and dash, see <see cref="SeriesStyle"/>.</param>
/// <param name="Points">Points in order of x (epochs); a null y is a gap.</param>
/// <param name="Faint">Drawn thin and pale, and left out of tooltips.</param>
internal sealed record ChartSeries(string Name, int Style, ImmutableArray<(double X, double? Y)> Points, bool Faint = false);

/// <summary>A horizontal line to compare with.</summary>
/// <param name="Value">Where it lies on the y axis.</param>
/// <param name="Label">What it is; null where the axis says it.</param>
/// <param name="LabelAtEnd">Label at the right end, for curves that start at the line; else at the left.</param>
internal sealed record ReferenceLine(double Value, string? Label, bool LabelAtEnd = false);

/// <summary>A chart over epochs.</summary>
/// <param name="Title">Title above the chart.</param>
/// <param name="Unit">What the y axis counts, with its unit.</param>
/// <param name="Series">Curves.</param>
/// <param name="Format">Text of a value in tooltips.</param>
internal sealed record ChartSpec(
    string Title, string Unit, ImmutableArray<ChartSeries> Series, Func<double, string> Format)
{
    /// <summary>Epochs at the right end of the x axis.</summary>
    public required double Epochs { get; init; }

    /// <summary>Text of a tick of the y axis.</summary>
    public Func<double, string> TickFormat { get; init; } = HumanText.Tick;

    /// <summary>Logarithmic y axis; values of 0 are drawn on its lower edge.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>Line to compare with.</summary>
    public ReferenceLine? Reference { get; init; }

    /// <summary>Lowest and highest value that the axis may show.</summary>
    public (double Low, double High) Bounds { get; init; } = (double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Lifecycle events marked below the axis.</summary>
    public ImmutableArray<EventMark> Marks { get; init; } = [];

    /// <summary>A legend below the chart; off where several charts share one.</summary>
    public bool Legend { get; init; } = true;

    /// <summary>What the reader must know to read the chart rightly; null for nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>Colours and dashes of curves: eight colours, then the same with other dashes.</summary>
internal static class SeriesStyle
{
    private static readonly string[] Dashes = ["none", "6 3", "2 2", "8 2 2 2"];

    /// <summary>Number of colours, the CSS variables <c>--c0</c> to <c>--c7</c>.</summary>
    public const int Colors = 8;

    /// <summary>Inline style of a stroke.</summary>
    public static string Stroke(int style) =>
        $"stroke:var(--c{style % Colors});stroke-dasharray:{Dashes[style / Colors % Dashes.Length]}";

    /// <summary>Inline style of a fill.</summary>
    public static string Fill(int style) => $"fill:var(--c{style % Colors})";
}

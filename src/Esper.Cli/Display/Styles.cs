using System.Globalization;
using Esper.Contracts.Lifecycle;
using Esper.Nissa;
using Spectre.Console;

namespace Esper.Cli.Display;

/// <summary>The styles of the terminal display; stages have the colours of the report.</summary>
internal static class Styles
{
    public static Style Dim { get; } = new(decoration: Decoration.Dim);

    public static Style Bold { get; } = new(decoration: Decoration.Bold);

    public static Style Good { get; } = new(foreground: FromHex("#009e73"), decoration: Decoration.Bold);

    public static Style Bad { get; } = new(foreground: FromHex("#d55e00"), decoration: Decoration.Bold);

    public static Style Progress { get; } = new(foreground: FromHex("#56b4e9"));

    /// <summary>A stage as a cell of the lattice: its ink on its colour.</summary>
    public static Style Cell(SeedStage stage)
    {
        StageStyle style = StagePalette.Of(stage);
        return stage == SeedStage.Dormant
            ? Dim
            : new Style(FromHex(style.Ink), FromHex(style.Color), Decoration.Bold);
    }

    /// <summary>A stage's name in its colour on the terminal's own background.</summary>
    public static Style Name(SeedStage stage) =>
        stage == SeedStage.Dormant ? Dim : new Style(FromHex(StagePalette.Of(stage).DarkColor));

    private static Color FromHex(string hex) => new(
        byte.Parse(hex.AsSpan(1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        byte.Parse(hex.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        byte.Parse(hex.AsSpan(5, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}

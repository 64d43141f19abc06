using Esper.Contracts.Lifecycle;
using Esper.Nissa;

namespace Esper.Cli.Display;

/// <summary>The characters that a terminal can show.</summary>
internal sealed record Glyphs(char Done, char Rest, string Arrow, string Ellipsis, string Separator, string Levels)
{
    private const string Ascii = " .:-=+*#";

    /// <summary>For terminals that show Unicode, and for those that do not.</summary>
    public static Glyphs For(bool unicode) => unicode
        ? new Glyphs('━', '─', "→", "…", " · ", "▁▂▃▄▅▆▇█")
        : new Glyphs('#', '-', "->", "~", " | ", Ascii);

    /// <summary>Letter of a stage.</summary>
    public string Letter(SeedStage stage) =>
        stage == SeedStage.Dormant && Levels == Ascii ? "." : StagePalette.Of(stage).Letter.ToString();

    /// <summary>The glyph whose height stands for a share in [0, 1].</summary>
    public char Level(double share) => Levels[(int)Math.Round(Math.Clamp(share, 0, 1) * (Levels.Length - 1))];

    /// <summary>A bar of a share in [0, 1].</summary>
    public (string Full, string Empty) Bar(double share, int width)
    {
        int done = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return (new string(Done, done), new string(Rest, width - done));
    }

    /// <summary>The last values that fit, between their own least and greatest.</summary>
    public string Sparkline(IReadOnlyList<double> values, int width)
    {
        double[] last = [.. values.Skip(Math.Max(0, values.Count - width))];
        if (last.Length == 0)
        {
            return string.Empty;
        }

        double low = last.Min(), range = last.Max() - low;
        return string.Concat(last.Select(v => Level(range > 0 ? (v - low) / range : 0.5)));
    }
}

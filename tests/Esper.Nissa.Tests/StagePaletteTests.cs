using System.Globalization;
using Esper.Contracts.Lifecycle;

namespace Esper.Nissa.Tests;

public sealed class StagePaletteTests
{
    [Fact]
    public void Every_stage_has_a_letter_and_colours_of_its_own()
    {
        Assert.Equal(SeedStages.All, StagePalette.All.Select(s => s.Stage));
        Assert.All(SeedStages.All, stage => Assert.Equal(stage, StagePalette.Of(stage).Stage));
        Assert.Equal(SeedStages.Count, StagePalette.All.Select(s => s.Letter).Distinct().Count());
        Assert.Equal(SeedStages.Count, StagePalette.All.Select(s => s.Color).Distinct().Count());
        Assert.Equal(SeedStages.Count, StagePalette.All.Select(s => s.DarkColor).Distinct().Count());
    }

    [Fact]
    public void Text_on_a_stage_can_be_read() => Assert.All(StagePalette.All, style =>
    {
        // 4.5 to 1 is what the accessibility guidelines ask of text of normal size (WCAG 2.1, 1.4.3).
        Assert.True(Contrast(style.Color, style.Ink) >= 4.5, $"{style.Stage}: {Contrast(style.Color, style.Ink):0.00}");
        Assert.True(Contrast(style.DarkColor, style.DarkInk) >= 4.5, $"{style.Stage}, dark: {Contrast(style.DarkColor, style.DarkInk):0.00}");
    });

    private static double Contrast(string first, string second)
    {
        double a = Luminance(first), b = Luminance(second);
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    private static double Luminance(string hex)
    {
        double[] linear = [.. new[] { 1, 3, 5 }
            .Select(i => byte.Parse(hex.AsSpan(i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
            .Select(c => c <= 0.03928 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4))];
        return (0.2126 * linear[0]) + (0.7152 * linear[1]) + (0.0722 * linear[2]);
    }
}

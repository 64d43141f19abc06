using System.Globalization;

namespace Esper.Nissa.Report;

/// <summary>Attributes of drawings.</summary>
internal static class Svg
{
    /// <summary>A coordinate or length in pixels, at most two decimals.</summary>
    public static string Pixel(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Attributes of a root of a natural size.</summary>
    public static (string Name, string Value)[] Root(double width, double height) =>
    [
        ("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", $"0 0 {Pixel(width)} {Pixel(height)}"),
        ("width", Pixel(width)), ("height", Pixel(height)),
    ];
}

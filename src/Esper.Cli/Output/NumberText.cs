using System.Globalization;

namespace Esper.Cli.Output;

/// <summary>Numbers as people read them in tables.</summary>
internal static class NumberText
{
    private static readonly (double Size, string Suffix)[] Magnitudes =
        [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];

    /// <summary>A count with digits in groups of three: <c>1,234,567</c>.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>Three significant digits and a decimal prefix: <c>12.3 M</c>; whole numbers below 1000 as they are.</summary>
    public static string Short(double value)
    {
        foreach ((double size, string suffix) in Magnitudes)
        {
            // 999,500 rounds to 1.00 M, so that no number shows four digits before its prefix.
            if (Math.Abs(value) >= size * 0.9995)
            {
                return Digits(value / size) + suffix;
            }
        }

        return value == Math.Truncate(value) ? value.ToString("0", CultureInfo.InvariantCulture) : Digits(value);
    }

    private static string Digits(double value)
    {
        string format = Math.Abs(value) switch
        {
            >= 99.95 => "0",
            >= 9.995 => "0.0",
            _ => "0.00",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }
}

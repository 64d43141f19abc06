using System.Globalization;

namespace Esper.Nissa;

/// <summary>Numbers as people read them, in reports and terminals alike.</summary>
public static class HumanText
{
    /// <summary>What stands where nothing was measured.</summary>
    public const string Nothing = "–";

    private static readonly string[] Prefixes = ["", "k", "M", "G", "T", "P", "E", "Z"];

    /// <summary>A share in [0, 1] as per cent with two decimals: <c>93.21 %</c>.</summary>
    public static string Percent(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    /// <summary>A signed difference of shares in percentage points: <c>+0.42 pp</c>.</summary>
    public static string Points(double difference) => Signed(difference * 100) + " pp";

    /// <summary>Three significant digits and a prefix: <c>1.23 M</c>.</summary>
    public static string Scaled(double value)
    {
        double magnitude = Math.Abs(value);
        int power = magnitude < 1 ? 0 : Math.Clamp((int)Math.Floor(Math.Log10(magnitude) / 3), 0, Prefixes.Length - 1);
        double mantissa = value / Math.Pow(1000, power);
        if (Math.Abs(mantissa) >= 999.5 && power < Prefixes.Length - 1)
        {
            mantissa /= 1000;
            power++;
        }

        int decimals = Math.Abs(mantissa) >= 99.95 ? 0 : Math.Abs(mantissa) >= 9.995 ? 1 : 2;
        string digits = power == 0 ? Significant(mantissa, 3) : mantissa.ToString($"F{decimals}", CultureInfo.InvariantCulture);
        return power == 0 ? digits : $"{digits} {Prefixes[power]}";
    }

    /// <summary>A whole number in groups of three: <c>1,234,567</c>.</summary>
    public static string Whole(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Four significant digits; powers of ten for the very large and very small.</summary>
    public static string Number(double value)
    {
        double magnitude = Math.Abs(value);
        return magnitude is 0 or (>= 1e-3 and < 1e6)
            ? Significant(value, 4)
            : value.ToString("0.###e0", CultureInfo.InvariantCulture);
    }

    /// <summary>A tick of an axis: as short as is exact.</summary>
    public static string Tick(double value)
    {
        double magnitude = Math.Abs(value);
        return magnitude is 0 or (>= 1e-4 and < 1e5)
            ? value.ToString("0.######", CultureInfo.InvariantCulture)
            : value.ToString("0.###e0", CultureInfo.InvariantCulture);
    }

    /// <summary>A duration: <c>1 h 02 min</c>, <c>3 min 07 s</c>, <c>4.21 s</c>.</summary>
    public static string Duration(double seconds)
    {
        if (seconds < 59.995)
        {
            return Significant(seconds, 3) + " s";
        }

        long whole = (long)Math.Round(seconds);
        return whole < 3600
            ? string.Create(CultureInfo.InvariantCulture, $"{whole / 60} min {whole % 60:00} s")
            : string.Create(CultureInfo.InvariantCulture, $"{whole / 3600} h {whole % 3600 / 60:00} min");
    }

    private static string Signed(double value) => value.ToString("+0.00;−0.00;0.00", CultureInfo.InvariantCulture);

    private static string Significant(double value, int digits)
    {
        double magnitude = Math.Abs(value);
        int decimals = magnitude == 0 ? 0 : Math.Clamp(digits - 1 - (int)Math.Floor(Math.Log10(magnitude)), 0, 12);
        double rounded = Math.Round(value, decimals);
        return rounded.ToString(decimals == 0 ? "0" : "0." + new string('#', decimals), CultureInfo.InvariantCulture);
    }
}

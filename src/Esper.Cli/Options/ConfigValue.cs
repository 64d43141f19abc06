using System.Collections.Immutable;
using System.Globalization;

namespace Esper.Cli.Options;

/// <summary>Reads and writes the values of configuration keys as text.</summary>
internal static class ConfigValue
{
    /// <summary>Reads a value of a key's type; <c>null</c> clears a key that may be without a value.</summary>
    /// <exception cref="FormatException">The text is no such value; the message says what would be.</exception>
    public static object? Parse(string text, Type type, bool nullable)
    {
        if (text is "null" or "~")
        {
            return nullable ? null : throw new FormatException($"'{text}' is not {Describe(type)}.");
        }

        Type kind = Nullable.GetUnderlyingType(type) ?? type;
        return (kind == typeof(string) ? text
            : kind == typeof(bool) ? ParseBool(text)
            : kind == typeof(int) && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole) ? whole
            : kind == typeof(long) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long large) ? large
            : kind == typeof(double) ? ParseNumber(text)
            : kind == typeof(ImmutableArray<string>) ? ImmutableArray.Create(Items(text))
            : kind == typeof(ImmutableArray<double>) ? ParseNumbers(text)
            : (object?)null)
            ?? throw new FormatException($"'{text}' is not {Describe(type)}.");
    }

    /// <summary>What a type is called in messages and help, with its article.</summary>
    public static string Describe(Type type)
    {
        Type kind = Nullable.GetUnderlyingType(type) ?? type;
        return kind == typeof(string) ? "a text"
            : kind == typeof(bool) ? "true or false"
            : kind == typeof(int) || kind == typeof(long) ? "a whole number"
            : kind == typeof(double) ? "a number"
            : kind == typeof(ImmutableArray<string>) ? "a list of names with commas between them"
            : kind == typeof(ImmutableArray<double>) ? "a list of numbers with commas between them"
            : throw new NotSupportedException($"Configuration keys of type {type.Name} have no text form.");
    }

    /// <summary>A value as text that <see cref="Parse"/> reads; an empty text for no value and for an empty list.</summary>
    public static string Format(object? value) => value switch
    {
        null => string.Empty,
        bool flag => flag ? "true" : "false",
        ImmutableArray<string> names => string.Join(',', names),
        ImmutableArray<double> numbers => string.Join(',', numbers.Select(number => number.ToString(CultureInfo.InvariantCulture))),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    private static object? ParseBool(string text) => text.ToLowerInvariant() switch
    {
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" => false,
        _ => null,
    };

    private static object? ParseNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : null;

    private static ImmutableArray<double>? ParseNumbers(string text)
    {
        object?[] numbers = [.. Items(text).Select(ParseNumber)];
        return numbers.Contains(null) ? null : [.. numbers.Cast<double>()];
    }

    private static string[] Items(string text)
    {
        string inner = text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
        return inner.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}

using System.Globalization;

namespace Esper.Graph;

/// <summary>What a site selector goes by.</summary>
public enum SiteSelectorKind
{
    /// <summary>Names of values.</summary>
    Name,

    /// <summary>The operator that makes a value.</summary>
    Operator,

    /// <summary>Residual joins.</summary>
    Joins,

    /// <summary>The last join or block output of each stage.</summary>
    Stages,

    /// <summary>So many sites, chosen by structure.</summary>
    Auto,

    /// <summary>So many sites, chosen by measured variance.</summary>
    AutoVariance,
}

/// <summary>
/// One entry of a list of sites:
/// <list type="table">
/// <item><term><c>block*.out</c>, <c>name:GLOB</c></term><description>values by name; <c>*</c> any text, <c>?</c> one character</description></item>
/// <item><term><c>op:GLOB</c></term><description>values that an operator of this type makes</description></item>
/// <item><term><c>joins</c></term><description>residual joins</description></item>
/// <item><term><c>stages</c></term><description>last join or block output before each change of resolution or channels</description></item>
/// <item><term><c>auto:K</c>, <c>auto</c></term><description>K sites by structure; without a number up to 4</description></item>
/// <item><term><c>auto-variance:K</c></term><description>the K sites with the largest relative variance of their activations</description></item>
/// </list>
/// <c>op:</c>, <c>joins</c> and <c>stages</c> take a name behind an <c>@</c>: <c>joins@layer3*</c>. <c>!</c> in front leaves out what the
/// rest selects.
/// </summary>
public sealed record SiteSelector
{
    /// <summary>Sites that <c>auto</c> chooses at most.</summary>
    public const int AutoCount = 4;

    private static readonly string[] Keywords = ["op", "name", "joins", "stages", "auto", "auto-variance"];

    private SiteSelector(string text, SiteSelectorKind kind)
    {
        Text = text;
        Kind = kind;
    }

    /// <summary>The selector as it was written.</summary>
    public string Text { get; }

    /// <summary>What it goes by.</summary>
    public SiteSelectorKind Kind { get; }

    /// <summary>Whether it leaves out what it selects.</summary>
    public bool Excludes { get; private init; }

    /// <summary>Glob over the names of values; <c>*</c> where any will do.</summary>
    public string Names { get; private init; } = "*";

    /// <summary>Glob over operators, for <see cref="SiteSelectorKind.Operator"/>.</summary>
    public string Operators { get; private init; } = "*";

    /// <summary>Number of sites for the automatic choices; null for as many as there are, up to <see cref="AutoCount"/>.</summary>
    public int? Count { get; private init; }

    /// <summary>Forms that errors and help name.</summary>
    internal const string Forms = "op:TYPE, joins, stages, auto:K, auto-variance:K, name:GLOB, each with ! in front to leave out";

    /// <summary>Reads a selector.</summary>
    /// <exception cref="GraphException">The text is empty, or a number is missing or none.</exception>
    public static SiteSelector Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        bool excludes = trimmed.StartsWith('!');
        string rest = excludes ? trimmed[1..].Trim() : trimmed;
        if (rest.Length == 0)
        {
            throw new GraphException($"site selector '{text}' is empty; selectors: names of values, {Forms}");
        }

        SiteSelector selector = ParseKind(trimmed, rest) with { Excludes = excludes };
        return excludes && selector.Kind is SiteSelectorKind.Auto or SiteSelectorKind.AutoVariance
            ? throw new GraphException($"site selector '{text}': an automatic choice cannot be left out; leave out names, op:TYPE, joins or stages")
            : selector;
    }

    /// <summary>A selector like <paramref name="text"/> whose keyword is a known one; null if none is near.</summary>
    internal static string? Nearest(string text)
    {
        string body = text.TrimStart('!');
        int end = body.IndexOfAny([':', '@']);
        string keyword = end < 0 ? body : body[..end];
        return Contracts.Suggestion.Nearest(keyword, Keywords) is { } near && near != keyword
            ? text[..^body.Length] + near + (end < 0 ? "" : body[end..])
            : null;
    }

    private static SiteSelector ParseKind(string text, string rest)
    {
        int at = rest.IndexOf('@', StringComparison.Ordinal);
        string body = at < 0 ? rest : rest[..at];
        string names = at < 0 ? "*" : rest[(at + 1)..];
        if (rest.StartsWith("name:", StringComparison.Ordinal))
        {
            return new SiteSelector(text, SiteSelectorKind.Name) { Names = rest[5..] };
        }

        if (rest.StartsWith("op:", StringComparison.Ordinal))
        {
            return new SiteSelector(text, SiteSelectorKind.Operator) { Operators = body[3..], Names = names };
        }

        if (rest == "auto" || rest.StartsWith("auto:", StringComparison.Ordinal))
        {
            return new SiteSelector(text, SiteSelectorKind.Auto) { Count = rest == "auto" ? null : CountOf(text, rest[5..]) };
        }

        if (rest == "auto-variance" || rest.StartsWith("auto-variance:", StringComparison.Ordinal))
        {
            string count = rest.Length > 14 ? rest[14..] : "";
            return new SiteSelector(text, SiteSelectorKind.AutoVariance) { Count = CountOf(text, count) };
        }

        return body switch
        {
            "join" or "joins" => new SiteSelector(text, SiteSelectorKind.Joins) { Names = names },
            "stages" or "stage:last" => new SiteSelector(text, SiteSelectorKind.Stages) { Names = names },
            _ => new SiteSelector(text, SiteSelectorKind.Name) { Names = rest },
        };
    }

    private static int CountOf(string text, string count) =>
        int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new GraphException($"site selector '{text}': '{count}' is not a whole number of 1 or more");
}

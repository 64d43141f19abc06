using Esper.Contracts;
using Esper.Contracts.Blueprints;

namespace Esper.Cli.Options;

/// <summary>Checks the names of blueprints and finds what a mistyped one was meant to be.</summary>
internal static class BlueprintNames
{
    /// <summary>What is wrong with a list of names; null if nothing is.</summary>
    public static string? Objection(string list)
    {
        foreach (string name in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            try
            {
                Blueprint.Parse(name);
            }
            catch (FormatException e)
            {
                // A rank or kernel out of range is told as such; no other name is any nearer.
                return Nearest(name) is { } nearest && !e.Message.Contains(": rank '", StringComparison.Ordinal)
                    && !e.Message.Contains(": kernel '", StringComparison.Ordinal)
                    ? $"'{name}' is no blueprint. Did you mean '{nearest}'? 'esper blueprints' explains the names."
                    : e.Message;
            }
        }

        return null;
    }

    /// <summary>The nearest name that is one, each part of it put right by itself; null if there is none.</summary>
    public static string? Nearest(string name)
    {
        string[] halves = name.ToLowerInvariant().Split('+', 2);
        string[] parts = halves[0].Split('-');
        string? family = Suggestion.Nearest(parts[0], Blueprint.FamilyNames);
        if (family is null)
        {
            return null;
        }

        string size = Size(family, parts.Length > 1 ? parts[1] : string.Empty);
        string module = family switch
        {
            "affine" => family,
            not "lowrank" when parts.Length > 2 && Suggestion.Nearest(parts[2], Names<BlueprintActivation>()) is { } activation =>
                $"{family}-{size}-{activation}",
            _ => $"{family}-{size}",
        };
        return halves.Length > 1 && Suggestion.Nearest(halves[1], Names<BlendMode>()) is { } blend ? $"{module}+{blend}" : module;
    }

    // A hidden layer of 16 and the smallest kernel are what the catalogue starts with; they stand in for a number that is missing.
    private static string Size(string family, string text)
    {
        string digits = string.Concat(text.Where(char.IsAsciiDigit));
        bool kernel = family == "depthwise";
        bool known = kernel
            ? digits is "3" or "5" or "7"
            : int.TryParse(digits, out int rank) && rank is >= 1 and <= Blueprint.MaximumRank;
        return known ? digits : kernel ? "3" : "16";
    }

    private static IEnumerable<string> Names<T>()
        where T : struct, Enum => Enum.GetNames<T>().Select(name => name.ToLowerInvariant());
}

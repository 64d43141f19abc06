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
                // A rank out of range is told as such; no other name is any nearer.
                return Nearest(name) is { } nearest && !e.Message.Contains(": rank '", StringComparison.Ordinal)
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
        string? family = Suggestion.Nearest(parts[0], ["affine", "lowrank", "bottleneck"]);
        if (family is null)
        {
            return null;
        }

        // A hidden layer of 16 is what the catalogue starts with; it stands in for a rank that is missing or no number.
        string rank = parts.Length > 1 && int.TryParse(parts[1], out int number) && number is >= 1 and <= Blueprint.MaximumRank ? parts[1] : "16";
        string module = family switch
        {
            "affine" => family,
            "bottleneck" when parts.Length > 2 && Suggestion.Nearest(parts[2], Names<BlueprintActivation>()) is { } activation =>
                $"{family}-{rank}-{activation}",
            _ => $"{family}-{rank}",
        };
        return halves.Length > 1 && Suggestion.Nearest(halves[1], Names<BlendMode>()) is { } blend ? $"{module}+{blend}" : module;
    }

    private static IEnumerable<string> Names<T>()
        where T : struct, Enum => Enum.GetNames<T>().Select(name => name.ToLowerInvariant());
}

using System.Globalization;

namespace Esper.Bindings;

/// <summary>C names to C# names.</summary>
internal static class Names
{
    private static readonly HashSet<string> Keywords =
        ["in", "out", "ref", "params", "object", "string", "event", "operator", "base", "checked", "fixed", "lock"];

    /// <summary><c>esper_lattice_seed</c> to <c>EsperLatticeSeed</c>, <c>ESPER_OK</c> to <c>EsperOk</c>.</summary>
    public static string Pascal(string name) => string.Concat(
        name.Split('_', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => char.ToUpperInvariant(word[0]) + word[1..].ToLower(CultureInfo.InvariantCulture)));

    /// <summary><c>theta_count</c> to <c>thetaCount</c>, escaped where C# reserves the name.</summary>
    public static string Camel(string name)
    {
        string pascal = Pascal(name);
        string camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        return Keywords.Contains(camel) ? "@" + camel : camel;
    }

    /// <summary><c>esper_seed_store</c> to <c>SeedStoreHandle</c>.</summary>
    public static string Handle(string name) => Pascal(Without(name, "esper_")) + "Handle";

    /// <summary>The name without its prefix, ignoring case; the name itself where it does not start with it.</summary>
    public static string Without(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name[prefix.Length..] : name;

    /// <summary>
    /// Names of an enumeration's members without the words that all of them start with; for a single member, without
    /// the words that it shares with its enumeration.
    /// </summary>
    public static IReadOnlyList<string> Members(EnumModel model)
    {
        string[][] words = [.. model.Members.Select(member => member.Name.Split('_'))];
        string[] reference = words.Length == 1 ? model.Name.ToUpperInvariant().Split('_') : words[0];
        int shared = 0;
        while (words.All(w => shared + 1 < w.Length && shared < reference.Length && w[shared] == reference[shared]))
        {
            shared++;
        }

        return [.. words.Select(w => Pascal(string.Join('_', w[shared..])))];
    }
}

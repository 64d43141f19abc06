using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Esper.Contracts;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Options;

/// <summary>All keys of <see cref="RunConfig"/>, found by reflection, so that a new one needs no word here.</summary>
internal static class ConfigKeys
{
    private static readonly ImmutableSortedDictionary<string, ConfigKey> ByPath =
        Find(typeof(RunConfig), string.Empty, []).ToImmutableSortedDictionary(key => key.Path, key => key, StringComparer.Ordinal);

    /// <summary>All paths, sorted.</summary>
    public static IEnumerable<string> Paths => ByPath.Keys;

    /// <summary>The key of a path.</summary>
    /// <exception cref="UsageException">There is none; the hint names the nearest, or the keys of the section.</exception>
    public static ConfigKey Of(string path)
    {
        if (ByPath.TryGetValue(path, out ConfigKey? key))
        {
            return key;
        }

        string[] inside = [.. Paths.Where(known => known.StartsWith(path + ".", StringComparison.Ordinal))];
        if (inside.Length > 0)
        {
            throw new UsageException(
                $"'{path}' is a section of the configuration, not a key", $"its keys are {string.Join(", ", inside)}");
        }

        throw new UsageException($"unknown configuration key '{path}'", HintFor(path));
    }

    private static string HintFor(string path)
    {
        // A key given without its section is the common slip, and its edit distance to the full path is large.
        string leaf = path[(path.LastIndexOf('.') + 1)..];
        string[] sameName = [.. Paths.Where(known => known.EndsWith("." + leaf, StringComparison.Ordinal))];
        if (sameName.Length > 0)
        {
            return $"did you mean {string.Join(" or ", sameName.Select(known => $"'{known}'"))}?";
        }

        if (Suggestion.Nearest(path, Paths) is { } nearest)
        {
            return $"did you mean '{nearest}'?";
        }

        return Paths.Select(known => known.Split('.')[^1]).ToArray() is var leaves && Suggestion.Nearest(leaf, leaves) is { } similar
            ? $"did you mean '{Paths.First(known => known.Split('.')[^1] == similar)}'?"
            : "'esper train --print-config' shows all keys";
    }

    private static IEnumerable<ConfigKey> Find(Type record, string prefix, ImmutableArray<PropertyInfo> above)
    {
        foreach (PropertyInfo property in record.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (!property.CanWrite)
            {
                continue;
            }

            string path = prefix + JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            ImmutableArray<PropertyInfo> chain = above.Add(property);
            if (property.PropertyType.GetMethod("<Clone>$") is null)
            {
                yield return new ConfigKey(path, chain);
                continue;
            }

            foreach (ConfigKey key in Find(property.PropertyType, path + ".", chain))
            {
                yield return key;
            }
        }
    }
}

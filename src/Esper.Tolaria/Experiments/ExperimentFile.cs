using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Esper.Contracts;
using Esper.Data;
using Esper.Nissa.Experiments;
using YamlDotNet.RepresentationModel;

namespace Esper.Tolaria.Experiments;

/// <summary>Reads an experiment's file. Everything is checked before anything runs; errors name the line and the fix.</summary>
public static class ExperimentFile
{
    private const int MostSeeds = 1000;

    /// <summary>Reads a file.</summary>
    /// <exception cref="EsperException">It is missing, malformed, or asks for what cannot be.</exception>
    public static ExperimentDefinition Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"Experiment file '{path}' cannot be read: {e.Message}", e);
        }

        return Parse(bytes, path);
    }

    /// <summary>Reads an experiment from a file's bytes; <paramref name="origin"/> names it in errors.</summary>
    /// <exception cref="EsperException">They are malformed, or ask for what cannot be.</exception>
    public static ExperimentDefinition Parse(ReadOnlySpan<byte> bytes, string origin)
    {
        YamlMappingNode root = YamlNodes.Parse(Encoding.UTF8.GetString(bytes), origin);
        YamlSection section = new(
            root, origin, "an experiment",
            "name", "hypothesis", "dataset", "seeds", "base", "baseline", "arms", "claims", "budget", "keep_checkpoints");
        string name = RequireName(section, "name");
        string dataset = section.OneOf("dataset", Datasets.Names);
        ImmutableArray<ArmDefinition> arms = new ArmReader(section, origin, dataset).Read();
        string baseline = section.Text("baseline", arms[0].Name);
        if (arms.All(arm => arm.Name != baseline))
        {
            throw section.ErrorAt("baseline", $"baseline: there is no arm '{baseline}'. {Suggestion.Phrase(baseline, arms.Select(arm => arm.Name))}");
        }

        YamlSection budget = new(section.Mapping("budget"), origin, "a budget", "run_hours", "train_flops");
        return new ExperimentDefinition(
            name,
            section.Text("hypothesis"),
            dataset,
            Seeds(section),
            arms,
            baseline,
            [.. ClaimReader.Read(section, origin, [.. arms.Select(arm => arm.Name)])],
            new PlanBudget(budget.Number("run_hours", 1e-6, 1e6) * 3600, budget.Number("train_flops", 1, 1e30)),
            section.Flag("keep_checkpoints"),
            [.. bytes],
            Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>A name that is also a part of paths.</summary>
    internal static string RequireName(YamlSection section, string key)
    {
        string name = section.Text(key);
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && char.IsAsciiLetterOrDigit(name[0])
            ? name
            : throw section.ErrorAt(key, $"{key}: '{name}' may hold letters, digits, '-', '_' and '.', and starts with a letter or digit.");
    }

    private static ImmutableArray<long> Seeds(YamlSection section)
    {
        ImmutableArray<string> texts = section.Texts("seeds");
        ImmutableArray<long> seeds =
        [
            .. texts.Select(text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seed)
                ? seed
                : throw section.ErrorAt("seeds", $"seeds: '{text}' is not a whole number.")),
        ];
        return seeds.Length is >= 1 and <= MostSeeds && seeds.Distinct().Count() == seeds.Length
            ? seeds
            : throw section.ErrorAt("seeds", $"seeds: list 1 to {MostSeeds} different whole numbers, such as [1, 2, 3, 4].");
    }
}

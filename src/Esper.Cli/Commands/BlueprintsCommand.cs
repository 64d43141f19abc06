using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Esper.Cli.Catalog;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Nissa;

namespace Esper.Cli.Commands;

/// <summary><c>esper blueprints</c>: what a seed can grow into.</summary>
internal static class BlueprintsCommand
{
    private const int StandardChannels = 16;
    private const int WideChannels = 64;

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Option<int> channels = CommonOptions.Number(
            "--channels", "C", "Channels of the chunk that figures hold for.", minimum: 1, StandardChannels);
        Option<bool> json = CommonOptions.Json("the blueprints");
        return new EsperCommand("blueprints", "List what a seed can grow into, with parameters and FLOPs.")
            .WithGroup("Output", channels, json)
            .WithExample("esper blueprints --channels 32", "the costs over a chunk of 32 channels")
            .Does(parsed => Run(environment, parsed, channels, json));
    }

    private static int Run(CliEnvironment environment, ParseResult parsed, Option<int> channels, Option<bool> json)
    {
        int width = parsed.GetValue(channels);
        if (parsed.GetValue(json))
        {
            JsonOutput.Write(environment.Output, new BlueprintsDocument(
                width, BlueprintCatalog.Families, BlueprintCatalog.Activations, BlueprintCatalog.Blends, BlueprintCatalog.Over(width)));
            return ExitCode.Success;
        }

        bool chosen = parsed.GetResult(channels) is { Implicit: false };
        ShowCosts(environment, chosen ? [width] : [width, WideChannels]);
        ShowTerms(environment, "Forms", BlueprintCatalog.Families);
        ShowTerms(environment, "Activations of bottleneck, gate and depthwise", BlueprintCatalog.Activations);
        ShowTerms(environment, "Blend modes, behind a name with +", BlueprintCatalog.Blends);
        ShowTerms(environment, "Risk tiers (risk.tier_maximum); one more with a blend of its own weights: channel, gated, confidence", BlueprintCatalog.Tiers);
        return ExitCode.Success;
    }

    private static void ShowCosts(CliEnvironment environment, ImmutableArray<int> widths)
    {
        TextTable table = new(["Blueprint", "Risk", .. widths.SelectMany(Titles)]);
        ImmutableArray<BlueprintDocument>[] columns = [.. widths.Select(BlueprintCatalog.Over)];
        for (int row = 0; row < columns[0].Length; row++)
        {
            int index = row;
            table.Add(
            [
                columns[0][row].Name,
                columns[0][row].RiskTier.ToString().ToLowerInvariant(),
                .. columns.SelectMany(column => new[] { HumanText.Whole(column[index].Parameters), HumanText.Whole(column[index].Flops) }),
            ]);
        }

        table.Write(environment.Output, environment.Width);
        environment.Output.WriteLine();
        environment.Output.WriteLine("C = channels of the seed's chunk. FLOPs of the forward pass at one position; the two small maps of a gate come once an image.");
    }

    private static void ShowTerms(CliEnvironment environment, string title, ImmutableArray<TermDocument> terms)
    {
        environment.Output.WriteLine();
        environment.Output.WriteLine($"{title}:");
        int name = terms.Max(term => term.Name.Length);
        int formula = terms.Max(term => term.Formula.Length);
        foreach (TermDocument term in terms)
        {
            string head = $"  {term.Name.PadRight(name)}  {term.Formula.PadRight(formula)}  ";
            foreach (string line in TextWrap.Lines(term.Description, Math.Max(environment.Width - head.Length, 20)))
            {
                environment.Output.WriteLine(head + line);
                head = new string(' ', head.Length);
            }
        }
    }

    private static string[] Titles(int width) =>
    [
        string.Create(CultureInfo.InvariantCulture, $">Parameters, C={width}"),
        string.Create(CultureInfo.InvariantCulture, $">FLOPs, C={width}"),
    ];
}

using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Esper.Cli.Catalog;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Graph;

namespace Esper.Cli.Commands;

/// <summary><c>esper sites HOST</c>: where seeds can sit in a host, and what selectors take of it.</summary>
internal static class SitesCommand
{
    // What is shown without --sites: the selectors that go by structure.
    private static readonly string[] Structure = ["joins", "stages", "auto"];

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> host = new("HOST")
        {
            Description = "A host, such as cnn3 or wrn-16-1; 'esper hosts' lists them.",
            CustomParser = result =>
            {
                string spec = result.Tokens[0].Value;
                if (HostCatalog.Objection(spec) is { } objection)
                {
                    result.AddError(objection);
                }

                return spec;
            },
        };
        Option<string> sites = new("--sites")
        {
            HelpName = "SELECTORS",
            Description = "Show what these selectors take, commas between: names with * and ?, op:TYPE, joins, stages, auto:K; '!' in front "
                + "leaves out.",
        };
        Option<bool> json = CommonOptions.Json("the sites");
        return new EsperCommand("sites", "Show where seeds can sit in a host, and which selectors take what.")
            .With(host)
            .WithGroup("Selection", sites)
            .WithGroup("Output", json)
            .WithExample("esper sites wrn-16-1 --sites 'joins,!block1*'", "all residual joins but those of block 1")
            .Does(parsed => Run(environment, parsed.GetRequiredValue(host), parsed.GetValue(sites), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string spec, string? selectors, bool json)
    {
        HostCatalog.Entry host = HostCatalog.Describe(spec);
        SiteSurvey survey = SiteSurvey.Of(host.Preset.Graph);
        ImmutableArray<string> given = selectors is null
            ? host.Preset.DefaultSites
            : [.. selectors.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        HashSet<string> chosen = [.. survey.Select(given)];
        ImmutableArray<SiteCandidate> candidates = survey.Describe([.. Structure.Concat(given).Distinct()]);
        if (json)
        {
            JsonOutput.Write(environment.Output, new SitesDocument(
                host.Document.Name, host.Document.Input, given, [.. candidates.Select(site => Document(site, chosen))]));
        }
        else
        {
            Show(environment, host, given, candidates, chosen);
        }

        return ExitCode.Success;
    }

    private static void Show(
        CliEnvironment environment, HostCatalog.Entry host, ImmutableArray<string> given, ImmutableArray<SiteCandidate> candidates,
        HashSet<string> chosen)
    {
        TextWriter output = environment.Output;
        string selected = string.Join(", ", given);
        string head = $"{host.Document.Name} reads {host.Document.Input}. {candidates.Length} values can carry seeds; * marks the "
            + $"{chosen.Count} that '{selected}' {(given.Length == 1 ? "takes" : "take")}.";
        foreach (string line in TextWrap.Lines(head, Math.Min(environment.Width, 100)))
        {
            output.WriteLine(line);
        }

        output.WriteLine();
        TextTable table = new("", "Value", "Operator", "Shape", "Layout", ">FLOPs", "Producer", "Selectors");
        foreach (SiteCandidate site in candidates)
        {
            table.Add(
                chosen.Contains(site.Value) ? "*" : "",
                site.Value,
                site.Op,
                site.Shape.ToString(),
                LayoutName(site.Layout),
                string.Create(CultureInfo.InvariantCulture, $"{100 * site.FlopsShare:0} %"),
                site.Producer ?? "-",
                string.Join(", ", site.Selectors));
        }

        table.Write(output, environment.Width);
        output.WriteLine();
        string note = "FLOPs: share of the host's forward operations that the value depends on. Producer: the weight whose slices make the "
            + "channels. Selectors: those of joins, stages, auto and --sites that take the value. auto-variance:K measures on data when "
            + "a run begins.";
        foreach (string line in TextWrap.Lines(note, Math.Min(environment.Width, 100)))
        {
            output.WriteLine(line);
        }
    }

    private static SiteDocument Document(SiteCandidate site, HashSet<string> chosen) => new(
        site.Value,
        site.Op,
        site.Shape.ToString(),
        LayoutName(site.Layout),
        site.Channels,
        site.Producer,
        site.FlopsShare,
        chosen.Contains(site.Value),
        site.Selectors);

    private static string LayoutName(SiteLayout layout) => layout == SiteLayout.Nchw ? "nchw" : "tokens";
}

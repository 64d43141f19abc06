using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Esper.Cli.Catalog;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Graph;
using Esper.Graph.Onnx;

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
            Description = "A host, such as cnn3, wrn-16-1 or model.onnx; 'esper hosts' lists those that are built in.",
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
        Option<string[]> shapes = InputShapes.Option();
        Option<bool> json = CommonOptions.Json("the sites");
        return new EsperCommand("sites", "Show where seeds can sit in a host, and which selectors take what.")
            .With(host)
            .WithGroup("Selection", sites)
            .WithGroup("How to read a file", shapes)
            .WithGroup("Output", json)
            .WithExample("esper sites wrn-16-1 --sites 'joins,!block1*'", "all residual joins but those of block 1")
            .Does(parsed => Run(
                environment,
                Read(parsed.GetRequiredValue(host), parsed.GetValue(shapes)!),
                parsed.GetValue(sites),
                parsed.GetValue(json)));
    }

    private static Subject Read(string spec, string[] shapes)
    {
        if (!OnnxHost.Names(spec))
        {
            HostCatalog.Entry host = HostCatalog.Describe(spec);
            return new Subject(host.Document.Name, host.Document.Input, host.Preset.Graph, host.Preset.DefaultSites);
        }

        // Where the data will put the logits is known: a model that is trained has them as its first output.
        HostGraph graph = OnnxImporter.Import(spec, new ImportOptions { InputShapes = InputShapes.Parse(shapes) }).Graph;
        graph = graph with { Logits = graph.Outputs[0] };
        string input = string.Join(", ", graph.Inputs.Select(i => $"{i.Name} {i.ElementType}{i.Shape}"));
        return new Subject(spec, input, graph, SiteSurvey.Of(graph).Defaults());
    }

    private static int Run(CliEnvironment environment, Subject host, string? selectors, bool json)
    {
        SiteSurvey survey = SiteSurvey.Of(host.Graph);
        ImmutableArray<string> given = selectors is null
            ? host.Defaults
            : [.. selectors.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        HashSet<string> chosen = [.. survey.Select(given)];
        ImmutableArray<SiteCandidate> candidates = survey.Describe([.. Structure.Concat(given).Distinct()]);
        if (json)
        {
            JsonOutput.Write(environment.Output, new SitesDocument(
                host.Name, host.Input, given, [.. candidates.Select(site => Document(site, chosen))]));
        }
        else
        {
            Show(environment, host, given, candidates, chosen);
        }

        return ExitCode.Success;
    }

    private static void Show(
        CliEnvironment environment, Subject host, ImmutableArray<string> given, ImmutableArray<SiteCandidate> candidates,
        HashSet<string> chosen)
    {
        TextWriter output = environment.Output;
        string selected = string.Join(", ", given);
        string head = $"{host.Name} reads {host.Input}. {candidates.Length} values can carry seeds; * marks the "
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

    /// <summary>A host to look at.</summary>
    /// <param name="Name">Its specification.</param>
    /// <param name="Input">What it reads.</param>
    /// <param name="Graph">Its graph.</param>
    /// <param name="Defaults">Selectors where none are given.</param>
    private sealed record Subject(string Name, string Input, HostGraph Graph, ImmutableArray<string> Defaults);
}

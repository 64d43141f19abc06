using System.Collections.Immutable;
using System.CommandLine;
using Esper.Cli.Catalog;
using Esper.Cli.Output;
using Esper.Graph;
using Esper.Nissa;

namespace Esper.Cli.Commands;

/// <summary><c>esper hosts</c>: the host networks, or one of them node by node.</summary>
internal static class HostsCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string?> name = new("NAME")
        {
            Description = "A host, such as cnn3 or cnn3:16-32-64: shows its nodes. Without it, all presets.",
            Arity = ArgumentArity.ZeroOrOne,
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
        Option<bool> json = Options.CommonOptions.Json("the hosts");
        return new EsperCommand("hosts", "List the host networks, with parameters and FLOPs.")
            .With(name)
            .WithGroup("Output", json)
            .WithExample("esper hosts cnn3:16-32-64", "the nodes of a host, with shapes and costs")
            .Does(parsed => Run(environment, parsed.GetValue(name), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string? name, bool json)
    {
        if (name is not null)
        {
            ShowOne(environment, HostCatalog.Describe(name), json);
        }
        else
        {
            ImmutableArray<HostCatalog.Entry> hosts = [.. HostPresets.Names.Select(HostCatalog.Describe)];
            if (json)
            {
                JsonOutput.Write(environment.Output, new { Hosts = hosts.Select(host => host.Document) });
            }
            else
            {
                ShowAll(environment, hosts);
            }
        }

        return ExitCode.Success;
    }

    private static void ShowAll(CliEnvironment environment, ImmutableArray<HostCatalog.Entry> hosts)
    {
        TextTable table = new("Name", ">Parameters", ">FLOPs", "Sites", "Description");
        foreach (HostDocument host in hosts.Select(host => host.Document))
        {
            table.Add(
                host.Name, HumanText.Whole(host.Parameters), HumanText.Scaled(host.Flops), string.Join(", ", host.Sites), host.Description);
        }

        table.Write(environment.Output, environment.Width);
        environment.Output.WriteLine();
        string note = $"FLOPs of one example's forward pass, multiply and add counted one each. Image hosts: {HostCatalog.Images}; "
            + $"text hosts: {HostCatalog.Tokens}. Other sizes: cnn3:16-32-64, wrn-22-2, mlp:256-256, char-gpt:LAYERS-WIDTH-HEADS.";
        foreach (string line in TextWrap.Lines(note, Math.Min(environment.Width, 100)))
        {
            environment.Output.WriteLine(line);
        }
    }

    private static void ShowOne(CliEnvironment environment, HostCatalog.Entry host, bool json)
    {
        if (json)
        {
            JsonOutput.Write(environment.Output, new HostDetailDocument(host.Document, HostCatalog.NodesOf(host)));
            return;
        }

        TextWriter output = environment.Output;
        foreach (string line in TextWrap.Lines($"{host.Document.Name}: {host.Document.Description}", Math.Min(environment.Width, 100)))
        {
            output.WriteLine(line);
        }

        output.WriteLine($"Reads {host.Document.Input}.");
        output.WriteLine();
        output.Write(GraphText.Render(host.Preset.Graph));
        output.WriteLine();
        output.WriteLine("Values that can carry seeds (--sites), * = by default:");
        ImmutableArray<string> chosen = host.DefaultSiteNames();
        foreach (string site in LatticeWrapping.Candidates(host.Preset.Graph))
        {
            output.WriteLine($"  {(chosen.Contains(site) ? '*' : ' ')} {site}");
        }
    }
}

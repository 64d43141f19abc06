using System.Text.Json;
using Esper.Contracts.Blueprints;
using Esper.Graph;

namespace Esper.Cli.Tests;

public sealed class CatalogTests
{
    [Fact]
    public void Hosts_lists_every_preset_with_its_costs()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("hosts", "--json"));
        JsonElement[] hosts = [.. cli.Json.GetProperty("hosts").EnumerateArray()];
        Assert.Equal(HostPresets.Names, hosts.Select(host => host.GetProperty("name").GetString()!));
        Assert.All(hosts, host => Assert.Equal(
            ["name", "parameters", "flops", "input", "sites", "description"], host.EnumerateObject().Select(property => property.Name)));
        Assert.All(hosts, host => Assert.True(host.GetProperty("parameters").GetInt64() > 0 && host.GetProperty("flops").GetInt64() > 0));
    }

    [Fact]
    public void A_host_is_shown_node_by_node_and_its_costs_add_up()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("hosts", "cnn3:16-32-64", "--json"));
        JsonElement[] nodes = [.. cli.Json.GetProperty("nodes").EnumerateArray()];
        JsonElement host = cli.Json.GetProperty("host");
        Assert.Equal(host.GetProperty("parameters").GetInt64(), nodes.Sum(node => node.GetProperty("parameters").GetInt64()));
        Assert.Equal(host.GetProperty("flops").GetInt64(), nodes.Sum(node => node.GetProperty("flops").GetInt64()));

        // 3x3 convolutions without bias, BatchNorm with scale and offset, and a linear head with bias.
        long expected = (9 * ((3 * 16) + (16 * 32) + (32 * 64))) + (2 * (16 + 32 + 64)) + (64 * 10) + 10;
        Assert.Equal(expected, host.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public void The_table_of_hosts_fits_eighty_columns_and_a_host_marks_its_default_sites()
    {
        CliRun all = new();
        CliRun one = new();

        Assert.Equal(0, all.Run("hosts"));
        Assert.Equal(0, one.Run("hosts", "cnn3:16-32-64"));
        Assert.All(all.Output.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("\n  * block1.out\n", one.Output, StringComparison.Ordinal);
        Assert.Contains("\n    block1.conv\n", one.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_family_is_explained_and_shown_with_its_costs()
    {
        CliRun cli = new();
        CliRun text = new();

        Assert.Equal(0, cli.Run("blueprints", "--json", "--channels", "10"));
        Assert.Equal(0, text.Run("blueprints"));
        JsonElement[] shown = [.. cli.Json.GetProperty("blueprints").EnumerateArray()];
        Assert.Equal(
            Enum.GetNames<BlueprintFamily>(), shown.Select(one => one.GetProperty("family").GetString()!).Distinct());
        Assert.Equal(
            Blueprint.FamilyNames,
            cli.Json.GetProperty("families").EnumerateArray().Select(form => form.GetProperty("name").GetString()!.Split('-', '[')[0]));
        JsonElement gate = shown.First(one => one.GetProperty("name").GetString() == "gate-4");
        Assert.True(gate.GetProperty("images_only").GetBoolean());
        Assert.Equal((94, 40, 174), (Number(gate, "parameters"), Number(gate, "flops"), Number(gate, "example_flops")));
        JsonElement depthwise = shown.First(one => one.GetProperty("name").GetString() == "depthwise-3");
        Assert.Equal((3, 210, 420), (Number(depthwise, "kernel"), Number(depthwise, "parameters"), Number(depthwise, "flops")));
        Assert.Equal(("Medium", "High"), (gate.GetProperty("risk_tier").GetString(), depthwise.GetProperty("risk_tier").GetString()));
        Assert.Matches(@"\ngate-4 +medium ", text.Output);
        Assert.Matches(@"\nlowrank-8\+gated +medium ", text.Output);
        Assert.Contains("Risk tiers (risk.tier_maximum)", text.Output, StringComparison.Ordinal);
        Assert.Contains("images only", text.Output, StringComparison.Ordinal);

        static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
    }

    [Fact]
    public void An_unknown_host_suggests_the_nearest()
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run("hosts", "wrn-16"));
        Assert.StartsWith("error: host 'wrn-16'", cli.ErrorLines[0], StringComparison.Ordinal);
        CliRun typo = new();
        Assert.Equal(2, typo.Run("hosts", "nlp"));
        Assert.Equal("error: 'nlp' is no host.", typo.ErrorLines[0]);
        Assert.StartsWith("hint: did you mean 'mlp'?", typo.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Eval_prints_what_was_measured()
    {
        CliRun text = new();
        CliRun json = new();

        Assert.Equal(0, text.Run("eval", "r", "--split", "validation"));
        Assert.Equal(0, json.Run("eval", "r", "--json", "--data", "d", "--threads", "3"));
        Assert.StartsWith("cnn3 on glyphs, 2,000 validation examples\n  accuracy    50.00 %\n  loss        1.25\n", text.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["directory", "host", "dataset", "split", "examples", "accuracy", "loss", "parameters", "parameters_digest"],
            json.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("test", json.Json.GetProperty("split").GetString());
    }

    [Fact]
    public void Report_of_a_directory_without_a_run_says_so()
    {
        string directory = Directory.CreateTempSubdirectory("esper-cli-").FullName;
        try
        {
            CliRun cli = new();

            Assert.Equal(1, cli.Run("report", directory));
            Assert.Equal(
                $"error: Directory '{directory}' holds no run: run.json is missing. Give the directory of a run, the one named by --out.",
                Assert.Single(cli.ErrorLines));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}

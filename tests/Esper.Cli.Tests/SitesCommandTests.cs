using System.Text.Json;
using Esper.Graph;

namespace Esper.Cli.Tests;

public sealed class SitesCommandTests
{
    [Fact]
    public void Every_candidate_is_shown_with_what_takes_it()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("sites", "wrn-16-1", "--sites", "joins,!block1*", "--json"));
        JsonElement[] sites = [.. cli.Json.GetProperty("sites").EnumerateArray()];
        HostGraph graph = HostPresets.Create("wrn-16-1", new ImageInput(3, 32, 32, 10)).Graph;
        Assert.Equal(LatticeWrapping.Candidates(graph), sites.Select(site => site.GetProperty("value").GetString()!));
        Assert.Equal(
            Enumerable.Range(2, 5).Select(i => $"block{i}.out"),
            sites.Where(site => site.GetProperty("selected").GetBoolean()).Select(site => site.GetProperty("value").GetString()!));

        JsonElement join = sites.Single(site => site.GetProperty("value").GetString() == "block4.out");
        Assert.Equal(
            ["value", "op", "shape", "layout", "channels", "producer", "flops_share", "selected", "selectors"],
            join.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ("Add", "[N, 32, 16, 16]", "nchw", "block4.conv2.weight"),
            (Text(join, "op"), Text(join, "shape"), Text(join, "layout"), Text(join, "producer")));
        Assert.Equal(
            ["joins", "stages", "auto"], join.GetProperty("selectors").EnumerateArray().Select(selector => selector.GetString()!));
        double[] shares = [.. sites.Select(site => site.GetProperty("flops_share").GetDouble())];
        Assert.All(shares, share => Assert.InRange(share, 0, 1));
        Assert.Equal(shares.Max(), sites[^1].GetProperty("flops_share").GetDouble());

        static string Text(JsonElement site, string name) => site.GetProperty(name).GetString()!;
    }

    [Fact]
    public void The_host_s_own_sites_are_marked_where_no_selector_is_given()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("sites", "cnn3:16-32-64"));
        Assert.StartsWith("cnn3:16-32-64 reads ", cli.Output, StringComparison.Ordinal);
        Assert.Matches(@"\n\*  block2\.out +MaxPool +\[N, 32, 8, 8\] +nchw +\d+ %  block2\.conv\.weight +stages, auto,", cli.Output);
        Assert.Matches(@"\n   block2\.conv +Conv ", cli.Output);
        CliRun text = new();
        Assert.Equal(0, text.Run("sites", "char-gpt", "--sites", "op:Gelu"));
        Assert.Matches(@"\n\*  block1\.gelu +Gelu +\[N, 128, 512\] +tokens ", text.Output);
    }

    [Fact]
    public void A_selector_that_takes_nothing_is_an_error_with_the_nearest_form()
    {
        CliRun cli = new();

        Assert.Equal(1, cli.Run("sites", "cnn3", "--sites", "stagse"));
        Assert.Contains("site pattern 'stagse' matches no value. Did you mean 'stages'?", cli.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        CliRun joins = new();
        Assert.Equal(1, joins.Run("sites", "cnn3", "--sites", "joins"));
        Assert.Contains("finds no residual join: of 0 sums", joins.Error, StringComparison.Ordinal);
    }
}

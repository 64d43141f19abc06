using System.Text.Json;
using Esper.Tamiyo.Selection;

namespace Esper.Cli.Tests;

public sealed class BenchCommandTests
{
    [Fact]
    public void Select_tells_the_nanoseconds_of_every_strategy()
    {
        CliRun cli = new();
        Assert.Equal(0, cli.Run("bench", "select", "--arms", "30", "--json"));
        Assert.Equal(30, cli.Json.GetProperty("arms").GetInt32());
        JsonElement nanoseconds = cli.Json.GetProperty("nanoseconds");
        Assert.Equal(SelectionStrategies.Names, nanoseconds.EnumerateObject().Select(property => property.Name));
        Assert.All(nanoseconds.EnumerateObject(), property => Assert.True(property.Value.GetDouble() > 0));
    }

    [Theory]
    [InlineData("there is no benchmark 'sellect'", "bench", "sellect")]
    [InlineData("'esper bench NAME' needs NAME", "bench")]
    [InlineData("'0' is not a whole number from 1", "bench", "select", "--arms", "0")]
    public void What_is_not_there_is_told(string expected, params string[] args)
    {
        CliRun cli = new();
        Assert.Equal(2, cli.Run(args));
        Assert.Contains(expected, cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_of_no_run_is_an_error()
    {
        CliRun cli = new();
        Assert.Equal(1, cli.Run("replay", "/nowhere/at/all"));
        Assert.Contains("/nowhere/at/all", cli.Error, StringComparison.Ordinal);
    }
}

using Esper.Contracts;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

public sealed class ConfigFileTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        RunConfig config = HostDefaults.Resolve(new RunConfig
        {
            Host = "wrn-16-1",
            Seed = long.MinValue,
            TrainLimit = 17,
            LabelSmoothing = 0.1,
            Lattice = new LatticeConfig { Sites = ["block*.out", "x"], Blueprints = ["affine+gated"], SeedsPerSite = 3 },
            Schedule = new ScheduleConfig { Kind = "step", StepFractions = [0.25, 0.5] },
            Lifecycle = new() { Kappa = 1e-7 },
            Policy = new() { Kind = "random" },
        });
        string yaml = ConfigFile.Write(config);
        Assert.Equal(yaml, ConfigFile.Write(ConfigFile.Parse(yaml, "test")));
        RunConfig back = ConfigFile.Parse(yaml, "test");
        Assert.Equal(config.Seed, back.Seed);
        Assert.Equal(config.Lattice.Sites.AsEnumerable(), back.Lattice.Sites);
        Assert.Equal(config.Lifecycle, back.Lifecycle);
        Assert.Equal(config.Policy, back.Policy);
        Assert.Equal(config.Optimizer, back.Optimizer);
    }

    [Fact]
    public void Nothing_is_the_defaults() => Assert.Equal(ConfigFile.Write(new RunConfig()), ConfigFile.Write(ConfigFile.Parse(string.Empty, "x")));

    [Theory]
    [InlineData("hosts: cnn3", "line 1", "hosts")]
    [InlineData("epochs: 3\nlifecycle:\n  kapa: 1", "line 3", "kapa")]
    [InlineData("risk:\n  tier_maximun: low", "line 2", "tier_maximun")]
    [InlineData("epochs: three", "line 1", "three")]
    [InlineData("epochs: 1\nepochs: 2", "line 2", "epochs")]
    public void Mistakes_are_found_with_their_place(string yaml, string place, string what)
    {
        EsperException error = Assert.Throws<EsperException>(() => ConfigFile.Parse(yaml, "my.yaml"));
        Assert.Contains("my.yaml", error.Message, StringComparison.Ordinal);
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("nowhere.yaml", Assert.Throws<EsperException>(() => ConfigFile.Read("nowhere.yaml")).Message, StringComparison.Ordinal);
}

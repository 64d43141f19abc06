using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

/// <summary>Sites that a run chooses: by structure, and by what a probe measures before the first step.</summary>
public sealed class SiteMeasurementTests : IDisposable
{
    private static readonly RunConfig Small = SmallRun.Config with
    {
        Epochs = 1,
        Policy = SmallRun.Config.Policy with { Kind = "none", ProbeBatches = 2 },
    };

    private readonly string _root = Directory.CreateTempSubdirectory("esper-tests-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Measured_sites_are_named_in_the_record_so_that_nothing_measures_again()
    {
        RunSummary plain = Train(Small, "plain");
        RunSummary measured = Train(With("auto-variance:1"), "measured");
        RunConfig saved = ConfigFile.Read(RunDirectory.Open(Path.Combine(_root, "measured")).ConfigPath);
        string site = Assert.Single(saved.Lattice.Sites);
        Assert.Matches("^name:block[12]\\.out$", site);

        // Four batches of 32, forward and backward, on top of the same training.
        double probe = 3.0 * 4 * 32 * (plain.TrainFlops - plain.OverheadFlops) / (3.0 * 320);
        Assert.Equal(plain.TrainFlops + probe, measured.TrainFlops, plain.TrainFlops * 1e-9);
        Assert.Equal(plain.OverheadFlops + probe, measured.OverheadFlops, plain.TrainFlops * 1e-9);
        Assert.Equal(plain.LossPerEpoch.AsEnumerable(), measured.LossPerEpoch);
        Assert.NotNull(Evaluator.Evaluate(Path.Combine(_root, "measured"), "validation", null, 1, default));
        using Workbench again = Workbench.Open(With("auto-variance:1"), default);
        Assert.Equal([site], again.Config.Lattice.Sites.ToArray());
        using Workbench named = Workbench.Open(saved, default);
        Assert.Equal((1, 0.0), (named.Wrapped.Sites.Length, named.MeasuringFlops));
    }

    [Fact]
    public void Selectors_go_through_the_configuration()
    {
        using Workbench both = Workbench.Open(With("auto-variance:2", "op:Conv@block1*"), default);
        Assert.Equal(["block1.conv", "block1.out", "block2.out"], both.Wrapped.Sites.Select(site => site.ValueName));
        using Workbench structure = Workbench.Open(With("auto:1", "!block2*"), default);
        Assert.Equal(["block1.out"], structure.Wrapped.Sites.Select(site => site.ValueName));
    }

    [Fact]
    public void What_cannot_be_measured_says_why()
    {
        Assert.StartsWith(
            "site selector 'auto-variance:9': the graph has only ", Failure(With("auto-variance:9")), StringComparison.Ordinal);
        Assert.Equal(
            "lattice.sites: to measure takes 1000 batches (2 x policy.probe_batches), and an epoch has 10. Lower policy.probe_batches or batch.",
            Failure(With("auto-variance:1") with { Policy = Small.Policy with { ProbeBatches = 500 } }));
        Assert.Contains(
            "lattice.sites: site selector 'auto:none': 'none' is not a whole number of 1 or more.", Failure(With("auto:none")), StringComparison.Ordinal);
        Assert.Contains("Did you mean 'joins'?", Failure(With("jions")), StringComparison.Ordinal);
    }

    private static RunConfig With(params string[] sites) => Small with { Lattice = Small.Lattice with { Sites = [.. sites] } };

    private static string Failure(RunConfig config) =>
        Assert.ThrowsAny<EsperException>(() => Workbench.Open(config, default).Dispose()).Message;

    private RunSummary Train(RunConfig config, string name) =>
        Trainer.Train(new TrainRequest(config, Path.Combine(_root, name), null), new Watcher(), TimeProvider.System, default);
}

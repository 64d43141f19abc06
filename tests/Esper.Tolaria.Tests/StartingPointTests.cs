using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

/// <summary>Runs that start with another one's parameters, and runs that end within an epoch.</summary>
public sealed class StartingPointTests : IDisposable
{
    private static readonly RunConfig Small = SmallRun.Config with
    {
        Epochs = 2,
        Lattice = new LatticeConfig { Blueprints = ["affine"], Initial = ["block1.out:1=lowrank-2"] },
        Lifecycle = new(),
        Policy = new() { Kind = "none" },
        Telemetry = new() { LossEverySteps = 1 },
    };

    private readonly string _root = Directory.CreateTempSubdirectory("esper-start-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_run_starts_with_the_parameters_of_another_modules_included()
    {
        RunSummary source = Train(Small, "source");

        // A learning rate of 0 leaves the parameters; BatchNorm's statistics move, so that they are not compared.
        RunConfig still = Small with
        {
            Epochs = 1,
            StartFrom = Path.Combine(_root, "source"),
            Optimizer = new OptimizerConfig { LearningRate = 0, WeightDecay = 0 },
            Lattice = Small.Lattice with { Initial = [] },
        };
        RunSummary started = Train(still, "started");
        Assert.Equal(source.ParametersFinal, started.ParametersFinal);
        Assert.Equal("Fossilized", started.Seeds[1].Stage);
        RunRecord record = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "started")));
        RunRecord before = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "source")));
        Assert.True(record.Steps[0].Loss < before.Steps[0].Loss);
        Assert.Equal(before.Epochs[^1].ValidationLoss, record.Epochs[0].ValidationLoss, 0.5);
    }

    [Fact]
    public void Another_host_or_lattice_or_an_empty_directory_is_refused_with_the_reason()
    {
        Train(Small with { Epochs = 1 }, "source");
        RunConfig later = Small with { StartFrom = Path.Combine(_root, "source"), Lattice = Small.Lattice with { Initial = [] } };
        Assert.Contains("of another host: tensor 'param/", Refusal(later with { Host = "cnn3:6-8" }), StringComparison.Ordinal);
        Assert.Contains("not this run's", Refusal(later with { Lattice = later.Lattice with { SeedsPerSite = 1 } }), StringComparison.Ordinal);
        Assert.Contains("There is no directory", Refusal(later with { StartFrom = Path.Combine(_root, "none") }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_of_so_many_steps_ends_within_its_last_epoch()
    {
        RunConfig config = Small with { Steps = 14, Epochs = 2 };
        RunSummary summary = Train(config, "a");
        RunRecord record = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "a")));
        Assert.Equal([10, 14], record.Epochs.Select(epoch => epoch.Step));
        Assert.Equal(14, record.Steps.Length);
        Assert.NotNull(summary.AccuracyFinal);

        // The schedule knows: the rate has fallen to its end at the last step.
        Assert.True(record.Steps[^1].LearningRate < 0.3 * record.Steps[5].LearningRate);
        Assert.Contains("Set epochs to 2", Refusal(config with { Epochs = 3 }), StringComparison.Ordinal);
        Assert.Contains("Set epochs to 2", Refusal(config with { Epochs = 1 }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_the_lattice_has_no_place_for_is_refused_by_name()
    {
        RunConfig config = Small with { Lattice = Small.Lattice with { Initial = ["block9.out:0=affine"] } };
        Assert.Contains("'block9.out:0=affine' names no seed of this lattice", Refusal(config), StringComparison.Ordinal);
        Assert.Contains(
            ConfigValidator.Problems(Small with { Lattice = Small.Lattice with { Initial = ["nonsense"] } }),
            problem => problem.StartsWith("lattice.initial: 'nonsense' is not of the form", StringComparison.Ordinal));
    }

    [Fact]
    public void A_directory_in_which_another_process_trains_is_left_alone()
    {
        Train(Small with { Epochs = 1 }, "a");
        string directory = Path.Combine(_root, "a");
        using RunLock held = RunDirectory.Open(directory).Lock();
        EsperException error = Assert.Throws<EsperException>(() => Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory) with { Epochs = 2 }, null, directory), new CompositeObserver(), TimeProvider.System, default));
        Assert.Contains("is in use: a run of another process", error.Message, StringComparison.Ordinal);
    }

    private string Refusal(RunConfig config) =>
        Assert.ThrowsAny<EsperException>(() => Train(config, $"refused-{Directory.GetDirectories(_root).Length}")).Message;

    private RunSummary Train(RunConfig config, string name) => Trainer.Train(
        new TrainRequest(config, Path.Combine(_root, name), null), new CompositeObserver(), TimeProvider.System, default);
}

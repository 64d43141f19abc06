using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

/// <summary>Runs that are hurt on purpose: they go on, and end where the clean run ends.</summary>
public sealed class RollbackTests : IDisposable
{
    private static readonly RunConfig Clean = new()
    {
        Host = "cnn3:8-16",
        Epochs = 6,
        Batch = 32,
        TrainLimit = 1600,
        ValidationFraction = 0.05,
        Threads = 2,
        Seed = 3,
        Optimizer = new OptimizerConfig { LearningRate = 0.02 },
        Lattice = new LatticeConfig { Blueprints = ["bottleneck-4", "affine"], SeedsPerSite = 2 },
        Lifecycle = new() { SignalMinimum = -1, GainMinimum = -1, RentPerHost = 0, LossBand = 100 },
        Policy = new() { Kind = "none", LastFraction = 1 },
        Governor = new() { SnapshotEverySteps = 10, ProbationSteps = 15, LossWindow = 20 },
    };

    // Enough for the host to learn something.
    private static readonly RunConfig Learning = Clean with
    {
        Host = "cnn3:8-16-32",
        TrainLimit = 4000,
        Optimizer = new OptimizerConfig { LearningRate = 0.05 },
    };

    private static readonly RunConfig Growing = Clean with { Policy = Clean.Policy with { Kind = "schedule" } };

    private readonly string _root = Directory.CreateTempSubdirectory("esper-tests-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_batch_with_nan_is_left_out_and_nothing_else_is_lost()
    {
        Watcher watcher = new();
        RunSummary clean = Train(Clean, "clean");
        RunSummary hurt = Train(Clean, "hurt", Fault.NaNInput(120), watcher);
        RollbackReport rollback = Assert.Single(watcher.Rollbacks);
        Assert.Equal((RollbackCause.NotFinite, 121L, 100L), (rollback.Cause, rollback.Step, rollback.ToStep));
        Assert.Empty(rollback.Culled);
        Assert.Contains("the batches of steps 121 to 121 are left out", rollback.Remedy, StringComparison.Ordinal);
        Assert.Equal(1, hurt.Rollbacks);
        Assert.True(hurt.TrainFlops > clean.TrainFlops);
        Assert.True(hurt.OverheadFlops > 0);
        Assert.Equal(0, clean.Rollbacks);

        // Up to the fault the courses are one, and what was trained again has the bits that it had.
        Assert.Equal(watcher.Losses.GetRange(100, 20), watcher.Losses.GetRange(120, 20));
        RunRecord record = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "hurt")));
        Assert.Equal(Enumerable.Range(1, 6), record.Epochs.Select(epoch => epoch.Epoch));
        Assert.Single(record.Rollbacks);
    }

    [Fact]
    public void A_loss_that_explodes_takes_the_run_back()
    {
        Watcher watcher = new();
        RunSummary hurt = Train(Clean, "hurt", Fault.Explosion(120, 30), watcher);
        RollbackReport rollback = Assert.Single(watcher.Rollbacks);
        Assert.NotEqual(RollbackCause.Collapse, rollback.Cause);
        Assert.InRange(rollback.Step, 121, 126);
        Assert.InRange(rollback.ToStep, 90, 110);
        Assert.Equal(RunOutcome.Completed, hurt.Outcome);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(1e4f)]
    public void A_poisoned_blueprint_is_culled_and_quarantined(float poison)
    {
        Watcher watcher = new();
        Fault injector = Fault.PoisonedModules(130, poison);
        RunSummary hurt = Train(Growing, "hurt", injector, watcher);
        Assert.Equal(RunOutcome.Completed, hurt.Outcome);
        Assert.True(injector.Done);
        Assert.NotEmpty(watcher.Rollbacks);
        RollbackReport first = watcher.Rollbacks[0];
        Assert.True(first.ToStep < 130);
        Assert.NotEmpty(first.Culled);
        Assert.NotEmpty(first.Quarantined);
        Assert.All(first.Culled, seed => Assert.Contains(
            watcher.Changes, change => change.Seed == seed && change.To == SeedStage.Culled && change.Issuer == "governor"));
        Assert.Contains(watcher.Changes, change => change.To == SeedStage.Germinated && change.Step > 0);

        // The policy decided on some epochs twice, and its log says so.
        Assert.Empty(Replayer.Replay(Path.Combine(_root, "hurt")).Details);
    }

    [Fact]
    public void A_batch_that_the_host_alone_cannot_take_costs_no_seed()
    {
        Watcher watcher = new();
        RunSummary clean = Train(Growing, "clean");
        RunSummary hurt = Train(Growing, "hurt", Fault.NaNInput(130), watcher);
        RollbackReport rollback = Assert.Single(watcher.Rollbacks);
        Assert.Empty(rollback.Culled);
        Assert.Empty(rollback.Quarantined);
        Assert.Contains("live seeds stay", rollback.Remedy, StringComparison.Ordinal);
        Assert.Equal(
            clean.Seeds.Select(seed => (seed.Stage, seed.Blueprint)), hurt.Seeds.Select(seed => (seed.Stage, seed.Blueprint)));
    }

    [Fact]
    public void A_batch_that_returns_its_fault_acquits_nobody_twice()
    {
        Watcher watcher = new();
        RunConfig config = Growing with { Governor = Growing.Governor with { Rollbacks = 2 } };
        Assert.Throws<EsperException>(
            () => Train(config, "hurt", new Fault { At = 130, Always = true, Inputs = Fault.WithNaN }, watcher));
        Assert.Empty(watcher.Rollbacks[0].Culled);
        Assert.NotEmpty(watcher.Rollbacks[1].Culled);
        Assert.NotEmpty(watcher.Rollbacks[1].Quarantined);
    }

    [Fact]
    public void A_collapse_goes_back_behind_the_last_validation()
    {
        Watcher watcher = new();
        Fault injector = new() { At = 875, Validation = session => Fault.Scale(session, 0) };
        Train(Learning with { Epochs = 8 }, "hurt", injector, watcher);
        Assert.True(injector.Done);
        RollbackReport rollback = Assert.Single(watcher.Rollbacks);
        Assert.Equal((RollbackCause.Collapse, 875L, 750L), (rollback.Cause, rollback.Step, rollback.ToStep));
    }

    [Fact]
    public void What_is_hurt_in_the_middle_ends_as_good_as_what_is_not()
    {
        RunSummary clean = Train(Learning, "clean");
        Assert.True(clean.AccuracyFinal > 0.3, $"the clean run ends at {clean.AccuracyFinal:P2}: too little to compare with");
        RunConfig growing = Learning with { Policy = Growing.Policy };
        (string Name, RunConfig Config, Fault Fault)[] cases =
        [
            ("nan", Learning, Fault.NaNInput(300)),
            ("explosion", Learning, Fault.Explosion(400, 30)),
            ("poison", growing, Fault.PoisonedModules(330, float.NaN)),
        ];
        foreach ((string name, RunConfig config, Fault fault) in cases)
        {
            Watcher watcher = new();
            RunSummary hurt = Train(config, name, fault, watcher);
            Assert.NotEmpty(watcher.Rollbacks);

            // So short a run is still learning fast: two of them differ by a few points whatever happens to them.
            Assert.True(
                hurt.AccuracyFinal >= clean.AccuracyFinal - 0.06, $"{name}: clean {clean.AccuracyFinal:P2}, hurt {hurt.AccuracyFinal:P2}");
        }
    }

    [Fact]
    public void A_fault_that_always_returns_ends_the_run_with_its_cause()
    {
        RunConfig config = Clean with { Governor = Clean.Governor with { Rollbacks = 3 } };
        Watcher watcher = new();
        EsperException error = Assert.Throws<EsperException>(
            () => Train(config, "hurt", new Fault { At = 60, Always = true, Inputs = Fault.WithNaN }, watcher));
        Assert.Equal(3, watcher.Rollbacks.Count);
        Assert.Contains("not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains("taken back 3 times", error.Message, StringComparison.Ordinal);
        Assert.Contains("governor.rollbacks", error.Message, StringComparison.Ordinal);
        EsperException atOnce = Assert.Throws<EsperException>(() => Train(
            config with { Governor = config.Governor with { Rollbacks = 0 } }, "once", Fault.NaNInput(60)));
        Assert.Contains("governor.rollbacks is 0", atOnce.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_interrupted_after_a_rollback_continues_to_the_same_end()
    {
        RunSummary whole = Train(Growing, "whole", Fault.PoisonedModules(130, float.NaN));
        using CancellationTokenSource stop = new();
        Watcher watcher = new() { OnEachStep = step => Cancel(stop, step == 210) };
        Train(Growing, "part", Fault.PoisonedModules(130, float.NaN), watcher, stop.Token);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(whole.ParametersDigest, rest.ParametersDigest);
        Assert.Equal(whole.TrainFlops, rest.TrainFlops);
        Assert.Equal(whole.Rollbacks, rest.Rollbacks);
        Assert.Equal(whole.Seeds.Select(seed => (seed.Stage, seed.Blueprint)), rest.Seeds.Select(seed => (seed.Stage, seed.Blueprint)));
    }

    [Fact]
    public void Watching_changes_no_bit()
    {
        RunConfig config = Clean with { Epochs = 2 };
        RunSummary often = Train(config with { Governor = config.Governor with { SnapshotEverySteps = 1 } }, "often");
        RunSummary seldom = Train(config with { Governor = config.Governor with { SnapshotEverySteps = 1000, LossDeviations = 0 } }, "seldom");
        Assert.Equal(often.ParametersDigest, seldom.ParametersDigest);
    }

    [Fact]
    public void Gains_can_be_measured_by_forks()
    {
        RunConfig config = Growing with { Lifecycle = Growing.Lifecycle with { Gain = "fork", ForkSteps = 5 } };
        RunSummary forked = Train(config, "fork");
        RunSummary again = Train(config, "again");
        Assert.Contains(forked.Seeds, seed => seed.Stage == nameof(SeedStage.Fossilized) && seed.Gain is not null);
        Assert.Equal(forked.ParametersDigest, again.ParametersDigest);
        RunSummary ablated = Train(Growing, "alpha");
        Assert.True(forked.OverheadFlops > ablated.OverheadFlops);
        Assert.NotEqual(
            ablated.Seeds.Select(seed => seed.Gain).Where(gain => gain is not null),
            forked.Seeds.Select(seed => seed.Gain).Where(gain => gain is not null));
    }

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }

    private RunSummary Train(
        RunConfig config, string name, Fault? injector = null, IRunObserver? observer = null, CancellationToken cancellation = default) =>
        Trainer.Train(
            new TrainRequest(config, Path.Combine(_root, name), null), observer ?? new Watcher(), TimeProvider.System, injector, cancellation);
}

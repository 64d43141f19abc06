using System.Globalization;
using Esper.Contracts.Runs;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Experiments;

namespace Esper.Tolaria.Tests;

/// <summary>One small experiment with every kind of arm, really trained; each test looks at another side of it.</summary>
public sealed class ExperimentArmTests : IClassFixture<ExperimentArmTests.Trained>
{
    private readonly Trained _trained;

    public ExperimentArmTests(Trained trained) => _trained = trained;

    [Fact]
    public void Every_run_has_finished() =>
        Assert.All(_trained.Record.Runs, run => Assert.True(run.State == RunState.Finished, $"{run.Planned.Id}: {run.Failure}"));

    [Fact]
    public void Arms_share_their_random_numbers()
    {
        // Until something grows, after epoch 2, the grown arm does what the static one does, bit for bit.
        Assert.Equal(Run("static").Record!.Epochs[0].TrainLoss, Run("grown").Record!.Epochs[0].TrainLoss);
        Assert.NotEqual(Run("static").Record!.Epochs[^1].TrainLoss, Run("grown").Record!.Epochs[^1].TrainLoss);
    }

    [Fact]
    public void The_final_architecture_has_the_grown_ones_modules_from_its_first_step()
    {
        RunSummary grown = Run("grown").Summary;
        string[] modules = [.. RunResolver.FinalModules(grown)];
        Assert.NotEmpty(modules);
        foreach (string arm in new[] { "final-flops", "final-epochs" })
        {
            ExperimentRun run = Run(arm);
            Assert.Equal(modules, run.Resolved!.Initial.AsEnumerable());
            Assert.Equal(modules, RunResolver.FinalModules(run.Summary));
            Assert.All(run.Summary.Seeds.Where(seed => seed.Blueprint is not null), seed => Assert.Equal("Fossilized", seed.Stage));
            Assert.Equal(run.Resolved.Parameters, run.Summary.ParametersFinal);
            Assert.Equal(run.Summary.ParametersFinal, run.Record!.Epochs[0].Parameters);
            Assert.Equal(5 * modules.Length, run.Record.Events.Length);
            Assert.All(run.Record.Events, change => Assert.Equal(("configuration", 0L), (change.Issuer, change.Step)));
        }
    }

    [Fact]
    public void Equal_operations_are_equal_to_within_a_step_and_the_rest_is_told()
    {
        ExperimentRun run = Run("final-flops");
        double target = Run("grown").Summary.TrainFlops, done = run.Summary.TrainFlops;
        double step = done / run.Record!.Epochs[^1].Step;
        Assert.Equal(target, run.Resolved!.TargetFlops);
        Assert.Equal(run.Resolved.PlannedFlops!.Value, done, 1.0);
        Assert.InRange(Math.Abs(done - target), 0, step / 2);
        Assert.Equal(run.Resolved.Steps, run.Record.Epochs[^1].Step);
        ArmResult arm = _trained.Result.Arms.Single(arm => arm.Name == "final-flops");
        Assert.Equal((done - target) / target, arm.FlopsResidual!.Value, 12);
    }

    [Fact]
    public void Equal_epochs_are_equal() => Assert.Equal(Run("grown").Summary.Epochs, Run("final-epochs").Summary.Epochs);

    [Fact]
    public void The_widened_host_comes_nearest_to_the_grown_ones_parameters()
    {
        ExperimentRun wide = Run("wide");
        long target = Run("grown").Summary.ParametersFinal;
        Assert.Equal(target, wide.Resolved!.TargetParameters);
        Assert.StartsWith("cnn3:", wide.Summary.Host, StringComparison.Ordinal);
        Assert.NotEqual("cnn3:4-8", wide.Summary.Host);

        // One more channel of the widest layer costs less than a tenth.
        Assert.InRange(wide.Summary.ParametersFinal, target * 0.9, target * 1.1);
        Assert.Equal(wide.Summary.ParametersInitial, wide.Summary.ParametersFinal);
    }

    [Fact]
    public void The_sweep_has_a_run_of_each_size_and_their_costs_together()
    {
        double flops = Run("sizes/cnn3:4").Summary.TrainFlops + Run("sizes/cnn3:4-8").Summary.TrainFlops;
        ArmResult sweep = _trained.Result.Arms.Single(arm => arm.Name == "sizes");
        Assert.Equal(flops, sweep.TrainFlops);
        Assert.Contains(sweep.BestMember, new[] { "sizes/cnn3:4", "sizes/cnn3:4-8" });
    }

    [Fact]
    public void The_upgrade_starts_with_what_the_other_has_learned()
    {
        ExperimentRun upgrade = Run("upgrade");
        Assert.Equal(Run("static").Summary.TrainFlops, upgrade.Resolved!.InheritedFlops);

        // The same first batch, met by random parameters there and by those of the end here.
        Assert.True(upgrade.Record!.Steps[0].Loss < Run("static").Record!.Steps[0].Loss);
        Assert.Equal(1, upgrade.Record.Info.FirstEpoch);
    }

    [Fact]
    public void Raw_data_stay_and_checkpoints_go()
    {
        foreach (ExperimentRun run in _trained.Record.Runs)
        {
            string path = _trained.Record.Directory.RunPath(run.Planned.Id);
            Assert.All(new[] { "config.yaml", "run.json", "metrics.jsonl", "events.jsonl", "summary.json" }, file => Assert.True(File.Exists(Path.Combine(path, file)), file));
            Assert.False(Directory.Exists(Path.Combine(path, "checkpoints")));
        }
    }

    [Fact]
    public void Every_arm_has_figures_and_the_claim_no_verdict_with_one_seed()
    {
        Assert.All(_trained.Result.Arms, arm =>
        {
            Assert.NotNull(arm.AccuracyFinal);
            Assert.Null(arm.AccuracyFinal.Ci95);
            Assert.NotNull(arm.AnytimeAuc);
            Assert.True(arm.TrainFlops > 0 && arm.Seconds > 0 && arm.Parameters > 0, arm.Name);
        });
        Assert.Equal(Verdicts.None, _trained.Result.Verdict);
    }

    [Fact]
    public void A_run_with_modules_from_the_start_continues_to_the_same_bits()
    {
        using ExperimentFixture fixture = new();
        RunConfig config = ConfigFile.Read(_trained.Record.Directory.ConfigPath(Run("final-flops").Planned.Id)) with { Threads = 2 };
        foreach (int stopAfter in new[] { 3, 27 })
        {
            using CancellationTokenSource stop = new();
            string directory = Path.Combine(fixture.Root, stopAfter.ToString(CultureInfo.InvariantCulture));
            Trainer.Train(new TrainRequest(config, directory, null), new StopAt(stopAfter, stop), TimeProvider.System, stop.Token);
            RunSummary rest = Trainer.Train(
                new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Nissa.CompositeObserver(), TimeProvider.System, default);
            Assert.Equal(Run("final-flops").Summary.ParametersDigest, rest.ParametersDigest);
            Assert.Equal(Run("final-flops").Summary.TrainFlops, rest.TrainFlops);
            Assert.Equal(
                Run("final-flops").Record!.Events.Length, Nissa.RunRecord.Load(Nissa.RunDirectory.Open(directory)).Events.Length);
        }
    }

    private ExperimentRun Run(string arm) => _trained.Record.Runs.Single(run => run.Planned.Arm == arm);

    /// <summary>The experiment, trained once for all tests of the class.</summary>
    public sealed class Trained : IAsyncLifetime, IDisposable
    {
        private const string Text = """
            name: arms
            hypothesis: Every kind of arm can be had.
            dataset: glyphs
            seeds: [3]
            base:
              host: cnn3:4-8
              epochs: 5
              batch: 32
              train_limit: 320
              validation_fraction: 0.05
              optimizer: { learning_rate: 0.05 }
              lattice: { blueprints: [bottleneck-4], seeds_per_site: 2 }
              lifecycle: { signal_minimum: -1, gain_minimum: -1, rent_per_host: 0, loss_band: 100 }
              policy: { last_fraction: 1, start_epoch: 2 }
              telemetry: { seed_every_steps: 2, loss_every_steps: 1 }
            arms:
              - { name: static, kind: static }
              - { name: grown, kind: grown, set: { policy: { kind: schedule } } }
              - { name: final-flops, kind: final-architecture, of: grown, match: flops }
              - { name: final-epochs, kind: final-architecture, of: grown, match: epochs }
              - { name: wide, kind: widened, of: grown, match: epochs, set: { epochs: 5 } }
              - { name: sizes, kind: sweep, hosts: ["cnn3:4", "cnn3:4-8"], set: { epochs: 2 } }
              - { name: upgrade, kind: upgrade, of: static, set: { epochs: 2, policy: { kind: schedule } } }
            claims:
              - { name: better, kind: superiority, a: grown, b: final-flops }
            """;

        private readonly ExperimentFixture _fixture = new();

        internal ExperimentRecord Record { get; private set; } = null!;

        internal ExperimentResult Result { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Assert.True(await _fixture.RunAsync(Text, new TrainerLauncher()));
            Record = _fixture.Record();
            Result = ExperimentAnalysis.Of(Record, null);
        }

        public Task DisposeAsync() => Task.CompletedTask;

        public void Dispose() => _fixture.Dispose();
    }

    private sealed class StopAt(long step, CancellationTokenSource stop) : IRunObserver
    {
        public void OnStarted(RunInfo info)
        {
        }

        public void OnStep(in StepReport report)
        {
            if (report.Step == step)
            {
                stop.Cancel();
            }
        }

        public void OnLifecycle(LifecycleEvent change)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }

        public void OnFinished(RunSummary summary)
        {
        }
    }
}

using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Native;
using Esper.Nissa;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

/// <summary>Whole runs on a small host and few images; each takes a second or two.</summary>
public sealed class TrainingTests : IDisposable
{
    private static readonly RunConfig Small = SmallRun.Config;

    private readonly string _root = Directory.CreateTempSubdirectory("esper-tests-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_run_grows_and_leaves_a_complete_record()
    {
        Watcher watcher = new();
        RunSummary summary = Train(Small with { Epochs = 6 }, "a", watcher);
        Assert.Equal(RunOutcome.Completed, summary.Outcome);
        Assert.Equal(6, summary.AccuracyPerEpoch.Length);
        Assert.NotNull(summary.AccuracyFinal);
        Assert.Contains(summary.Seeds, seed => seed.Stage == nameof(SeedStage.Fossilized) && seed.Gain is not null);
        Assert.Equal(summary.ParametersInitial + summary.Seeds.Sum(seed => seed.Parameters), summary.ParametersFinal);
        Assert.Equal(60, watcher.Steps);
        Assert.Contains(watcher.Changes, change => change.To == SeedStage.Fossilized && change.Verdict!.Gate == Gate.G5);

        RunRecord record = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "a")));
        Assert.Equal(6, record.Epochs.Length);
        Assert.Equal(watcher.Changes.Count, record.Events.Length);
        Assert.True(File.Exists(Path.Combine(_root, "a", "report.html")));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_root, "a", "checkpoints")).Length);
    }

    [Fact]
    public void The_same_command_gives_the_same_bits()
    {
        RunSummary first = Train(Small, "a");
        RunSummary second = Train(Small, "b");
        Assert.Equal(first.ParametersDigest, second.ParametersDigest);
        Assert.Equal(first.AccuracyPerEpoch.AsEnumerable(), second.AccuracyPerEpoch);
        Assert.Equal(first.LossPerEpoch.AsEnumerable(), second.LossPerEpoch);
        Assert.NotEqual(first.ParametersDigest, Train(Small with { Seed = 4 }, "c").ParametersDigest);
    }

    [Fact]
    public void A_dormant_lattice_changes_no_bit()
    {
        RunConfig none = Small with { Policy = Small.Policy with { Kind = "none" }, Epochs = 2 };
        RunSummary few = Train(none, "a");
        RunSummary many = Train(none with { Lattice = none.Lattice with { SeedsPerSite = 4 } }, "b");
        RunSummary elsewhere = Train(none with { Lattice = none.Lattice with { Sites = ["block1.conv*"], SeedsPerSite = 1 } }, "c");
        Assert.Equal(few.LossPerEpoch.AsEnumerable(), many.LossPerEpoch);
        Assert.Equal(few.LossPerEpoch.AsEnumerable(), elsewhere.LossPerEpoch);
        Assert.Equal(few.ParametersFinal, few.ParametersInitial);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(20)]
    [InlineData(33)]
    public void An_interrupted_run_continues_to_the_same_end(int stopAfter)
    {
        RunSummary whole = Train(Small, "whole");
        using CancellationTokenSource stop = new();
        RunSummary part = Train(Small, "part", new Watcher { OnEachStep = step => Cancel(stop, step == stopAfter) }, stop.Token);
        Assert.Equal(RunOutcome.Interrupted, part.Outcome);
        Assert.Null(part.AccuracyFinal);

        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(RunOutcome.Completed, rest.Outcome);
        Assert.Equal(whole.ParametersDigest, rest.ParametersDigest);
        Assert.Equal(whole.AccuracyPerEpoch.AsEnumerable(), rest.AccuracyPerEpoch);
        Assert.Equal(whole.LossPerEpoch.AsEnumerable(), rest.LossPerEpoch);
        Assert.Equal(whole.TrainFlops, rest.TrainFlops);
        Assert.Equal(
            whole.Seeds.Select(seed => (seed.Site, seed.Seed, seed.Stage, seed.Gain)),
            rest.Seeds.Select(seed => (seed.Site, seed.Seed, seed.Stage, seed.Gain)));
        Assert.Equal(4, RunRecord.Load(RunDirectory.Open(directory)).Epochs.Length);
    }

    [Theory]
    [InlineData("thompson")]
    [InlineData("linucb")]
    public void An_interrupted_run_decides_as_a_whole_one_and_both_replay(string policy)
    {
        RunConfig config = Small with { Epochs = 6, Policy = Small.Policy with { Kind = policy }, Threads = 1 };
        RunSummary whole = Train(config, "whole");
        using CancellationTokenSource stop = new();
        Train(config, "part", new Watcher { OnEachStep = step => Cancel(stop, step == 53) }, stop.Token);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(whole.ParametersDigest, rest.ParametersDigest);
        string log = File.ReadAllText(Path.Combine(directory, "decisions.jsonl"));
        Assert.Equal(File.ReadAllText(Path.Combine(_root, "whole", "decisions.jsonl")), log);
        ReplaySummary replay = Replayer.Replay(directory);
        Assert.Equal((6, 0), (replay.Decisions, replay.Mismatches));
        Assert.True(replay.Commands > 0);
        Assert.Contains("\"command_id\":", log, StringComparison.Ordinal);
        Assert.Contains("\"outcomes\":[{\"id\":0", log, StringComparison.Ordinal);
        Assert.Contains("\"steps\":[{\"steps\":50,", log, StringComparison.Ordinal);
        Assert.DoesNotContain("step_milliseconds", log, StringComparison.Ordinal);
        Assert.Contains("\"redundancy\":", log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_machine_is_shown_where_that_is_asked_for()
    {
        Train(Small with { Epochs = 2, Policy = Small.Policy with { ObserveMachine = true } }, "a");
        string log = File.ReadAllText(Path.Combine(_root, "a", "decisions.jsonl"));
        Assert.Matches("\"machine\":\\{\"step_milliseconds\":[0-9.]+,\"free_bytes\":[0-9.E+]+,\"total_bytes\":[0-9.E+]+\\}", log);
        Assert.Equal(0, Replayer.Replay(Path.Combine(_root, "a")).Mismatches);
    }

    [Fact]
    public void Several_epochs_make_a_pass_and_a_run_of_them_resumes_to_the_same_bits()
    {
        RunConfig config = Small with { Epochs = 9, EpochsPerPass = 3 };
        RunSummary whole = Train(config, "whole");
        Assert.Equal(9, whole.AccuracyPerEpoch.Length);

        // Ten batches a pass make three epochs of three.
        RunConfig still = Small with { Epochs = 3, Policy = Small.Policy with { Kind = "none" } };
        RunSummary passes = Train(still, "passes");
        RunSummary parts = Train(still with { Epochs = 9, EpochsPerPass = 3 }, "parts");
        Assert.Equal(0.9, parts.TrainFlops / passes.TrainFlops, 12);
        using CancellationTokenSource stop = new();
        Train(config, "part", new Watcher { OnEachStep = step => Cancel(stop, step == 17) }, stop.Token);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(whole.ParametersDigest, rest.ParametersDigest);
    }

    [Fact]
    public void A_budget_of_operations_is_spent_to_the_step_whatever_grows()
    {
        RunConfig still = Small with { Policy = Small.Policy with { Kind = "none" } };
        RunSummary epochs = Train(still, "epochs");
        RunSummary bare = Train(still with { TrainFlops = epochs.TrainFlops }, "bare");

        // The same operations of the same host are the same run.
        Assert.Equal(epochs.ParametersDigest, bare.ParametersDigest);
        Assert.Equal((4, epochs.TrainFlops), (bare.Epochs, bare.TrainFlops));
        Assert.Equal(Rates("epochs"), Rates("bare"));

        // What measuring takes is part of the budget: little of it here, so that something is left to train with.
        RunConfig config = Small with
        {
            Epochs = 99,
            TrainFlops = 2.03 * epochs.TrainFlops,
            Lifecycle = Small.Lifecycle with { GainExamples = 20 },
            Policy = Small.Policy with { ProbeBatches = 1 },
        };
        Watcher watcher = new();
        RunSummary grown = Train(config, "grown", watcher);
        double most = grown.TrainFlops / watcher.Steps * 3;
        Assert.InRange(grown.TrainFlops, config.TrainFlops.Value, config.TrainFlops.Value + most);
        Assert.True(grown.ParametersFinal > grown.ParametersInitial);
        Assert.True(watcher.Steps < 81, $"{watcher.Steps} steps");
        using CancellationTokenSource stop = new();
        Train(config, "part", new Watcher { OnEachStep = step => Cancel(stop, step == 44) }, stop.Token);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(grown.ParametersDigest, rest.ParametersDigest);
        Assert.Equal(grown.TrainFlops, rest.TrainFlops);

        IEnumerable<double> Rates(string name) => RunRecord.Load(Path.Combine(_root, name)).Epochs.Select(epoch => epoch.LearningRate);
    }

    [Fact]
    public void Gains_measured_on_a_part_of_the_examples_cost_a_part()
    {
        RunConfig config = Small with { Epochs = 6 };
        RunSummary whole = Train(config, "whole");
        RunSummary part = Train(config with { Lifecycle = config.Lifecycle with { GainExamples = 300 } }, "part");
        Assert.Contains(part.Seeds, seed => seed.Gain is not null);
        Assert.True(part.OverheadFlops > 0 && part.OverheadFlops < whole.OverheadFlops, $"{part.OverheadFlops} of {whole.OverheadFlops}");
    }

    [Fact]
    public void A_checkpoint_evaluates_to_what_the_run_said()
    {
        RunSummary summary = Train(Small, "a");
        EvaluationSummary test = Evaluator.Evaluate(Path.Combine(_root, "a"), "test", null, 2, default);
        Assert.Equal(summary.AccuracyFinal, test.Accuracy);
        Assert.Equal(summary.LossFinal, test.Loss);
        Assert.Equal(summary.ParametersDigest, test.ParametersDigest);
        Assert.Equal(summary.ParametersFinal, test.Parameters);
        EvaluationSummary validation = Evaluator.Evaluate(Path.Combine(_root, "a"), "validation", null, 2, default);
        Assert.NotEqual(test.Examples, validation.Examples);
        Assert.Contains("known are", Assert.Throws<EsperException>(
            () => Evaluator.Evaluate(Path.Combine(_root, "a"), "holdout", null, 2, default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused_by_name()
    {
        Train(Small with { Epochs = 1 }, "a");
        string path = Directory.GetFiles(Path.Combine(_root, "a", "checkpoints"))[0];
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..^10]);
        EsperException error = Assert.Throws<EsperException>(() => CheckpointStore.Read(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_diverges_ends_with_advice_and_nothing_invented()
    {
        RunConfig config = Small with { Optimizer = new OptimizerConfig { LearningRate = 1e6 }, Policy = new() { Kind = "none" } };
        EsperException error = Assert.Throws<EsperException>(() => Train(config, "a"));
        Assert.Contains("not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains("--lr", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_seed_that_explodes_is_removed_and_the_run_goes_on()
    {
        Watcher watcher = new();
        RunConfig config = Small with { Lifecycle = Small.Lifecycle with { SeedLearningRateScale = 1e6 } };
        RunSummary summary = Train(config, "a", watcher);
        Assert.Equal(RunOutcome.Completed, summary.Outcome);
        Assert.Contains(watcher.Rollbacks, rollback => rollback.Quarantined.Contains("bottleneck-4 at site 0"));
        Assert.DoesNotContain(watcher.Changes, change => change.To == SeedStage.Fossilized);
        Assert.All(summary.LossPerEpoch, loss => Assert.True(double.IsFinite(loss)));
        Assert.All(watcher.Losses, loss => Assert.True(double.IsFinite(loss)));
        Assert.Equal(summary.Rollbacks, watcher.Rollbacks.Count);
        Assert.NotEmpty(watcher.Rollbacks);
    }

    [Fact]
    public void A_run_stopped_before_its_first_step_can_be_resumed()
    {
        using CancellationTokenSource stop = new();
        RunSummary part = Train(Small with { Epochs = 1 }, "part", new Watcher { OnBegin = stop.Cancel }, stop.Token);
        Assert.Null(part.StepMsMedian);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(Train(Small with { Epochs = 1 }, "whole").ParametersDigest, rest.ParametersDigest);
    }

    [Fact]
    public void A_directory_with_a_run_is_not_overwritten()
    {
        Train(Small with { Epochs = 1 }, "a");
        string before = File.ReadAllText(Path.Combine(_root, "a", "summary.json"));
        EsperException error = Assert.Throws<EsperException>(() => Train(Small with { Epochs = 1 }, "a"));
        Assert.Contains("--resume", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path.Combine(_root, "a", "summary.json")));
    }

    [Fact]
    public void Cuda_is_never_replaced_silently()
    {
        EsperException error = Assert.ThrowsAny<EsperException>(() => Train(Small with { Device = "cuda" }, "a"));
        Assert.StartsWith("device: 'cuda' cannot be used here (options: device CUDA: ", error.Message, StringComparison.Ordinal);

        // The reason is the library's own.
        NativeException reason = Assert.IsType<NativeException>(error.InnerException);
        Assert.Equal(NativeStatus.Unsupported, reason.Status);
        Assert.Contains(reason.NativeText, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_root, "a", "run.json")));
    }

    [Theory]
    [InlineData("gate-2")]
    [InlineData("depthwise-3-relu")]
    public void Modules_that_read_neighbours_grow_on_images_and_resume_to_the_same_bits(string blueprint)
    {
        RunConfig config = Small with { Lattice = Small.Lattice with { Blueprints = [blueprint] } };
        Watcher watcher = new();
        RunSummary whole = Train(config, "whole", watcher);
        Assert.Contains(watcher.Changes, change => change.To == SeedStage.Blending && change.Blueprint == blueprint);
        using CancellationTokenSource stop = new();
        Train(config, "part", new Watcher { OnEachStep = step => Cancel(stop, step == 23) }, stop.Token);
        string directory = Path.Combine(_root, "part");
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(whole.ParametersDigest, rest.ParametersDigest);
        RunRecord record = RunRecord.Load(RunDirectory.Open(Path.Combine(_root, "whole")));
        Assert.Contains(record.Epochs.SelectMany(epoch => epoch.Seeds), seed => seed.DeadFraction is >= 0 and <= 1);
    }

    [Fact]
    public void Modules_that_read_neighbours_are_refused_where_no_site_is_an_image()
    {
        RunConfig tokens = Small with { Host = "mlp:16", Lattice = Small.Lattice with { Blueprints = ["affine", "gate-2"] } };
        EsperException error = Assert.Throws<EsperException>(() => Train(tokens, "a"));
        Assert.StartsWith("lattice.blueprints: 'gate-2' mixes the positions of an example", error.Message, StringComparison.Ordinal);
        Assert.Contains("No site of this lattice is an image site: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("lowrank-RANK", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_summary_has_the_promised_keys()
    {
        RunSummary summary = Train(Small with { Epochs = 1 }, "a");
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(summary, EsperJson.Indented));
        string[] keys =
        [
            "host", "dataset", "epochs", "parameters_initial", "parameters_final", "accuracy_final", "accuracy_per_epoch",
            "train_flops", "step_ms_median", "seconds", "seeds", "parameters_digest",
        ];
        Assert.All(keys, key => Assert.True(json.RootElement.TryGetProperty(key, out _), key));
        Assert.All(
            new[] { "site", "seed", "blueprint", "stage", "alpha", "gain" },
            key => Assert.True(json.RootElement.GetProperty("seeds")[0].TryGetProperty(key, out _), key));
    }

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }

    private RunSummary Train(RunConfig config, string name, IRunObserver? observer = null, CancellationToken cancellation = default) =>
        Trainer.Train(
            new TrainRequest(config, Path.Combine(_root, name), null), observer ?? new Watcher(), TimeProvider.System, cancellation);
}

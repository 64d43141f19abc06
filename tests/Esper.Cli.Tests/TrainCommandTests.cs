using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Tests;

public sealed class TrainCommandTests
{
    [Fact]
    public void Without_options_the_defaults_of_the_configuration_are_trained()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("train"));
        TrainRequest request = Assert.Single(cli.Requests);
        Assert.Equal(ConfigFile.Write(new RunConfig()), ConfigFile.Write(request.Config));
        Assert.Null(request.OutputDirectory);
        Assert.Null(request.ResumeDirectory);
    }

    [Fact]
    public void Every_option_sets_its_key()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run(
            "train", "--host", "mlp:32", "--dataset", "mnist", "--data", "d", "--train-limit", "100", "--no-augment", "--epochs", "3",
            "--batch", "16", "--optimizer", "adamw", "--lr", "0.25", "--weight-decay", "0.01", "--schedule", "cosine", "--label-smoothing", "0.1",
            "--policy", "random", "--sites", "a*,b", "--seeds-per-site", "4", "--blueprints", "affine,lowrank-2", "--seed", "-7",
            "--threads", "2", "--device", "cpu", "--out", "o", "--set", "lifecycle.kappa=0.5", "--set", "schedule.step_fractions=[0.2, 0.4]"));
        TrainRequest request = Assert.Single(cli.Requests);
        RunConfig expected = new()
        {
            Host = "mlp:32",
            Dataset = "mnist",
            Data = "d",
            TrainLimit = 100,
            Augment = false,
            Epochs = 3,
            Batch = 16,
            Optimizer = new OptimizerConfig { Kind = "adamw", LearningRate = 0.25, WeightDecay = 0.01 },
            Schedule = new ScheduleConfig { Kind = "cosine", StepFractions = [0.2, 0.4] },
            LabelSmoothing = 0.1,
            Policy = new() { Kind = "random" },
            Lattice = new LatticeConfig { Sites = ["a*", "b"], SeedsPerSite = 4, Blueprints = ["affine", "lowrank-2"] },
            Lifecycle = new() { Kappa = 0.5 },
            Seed = -7,
            Threads = 2,
            Device = "cpu",
        };
        Assert.Equal(ConfigFile.Write(expected), ConfigFile.Write(request.Config));
        Assert.Equal("o", request.OutputDirectory);
    }

    [Fact]
    public void The_command_line_overrides_the_file_and_the_file_the_defaults()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "epochs: 7\nbatch: 9\nlifecycle:\n  kappa: 2\n");
            CliRun cli = new();

            Assert.Equal(0, cli.Run("train", "--config", file, "--epochs", "3", "--set", "lifecycle.kappa=4"));
            RunConfig config = Assert.Single(cli.Requests).Config;
            Assert.Equal((3, 9, 4.0, 0L), (config.Epochs, config.Batch, config.Lifecycle.Kappa, config.Seed));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_resumed_run_keeps_its_configuration_but_for_what_may_change()
    {
        RunConfig saved = new() { Host = "mlp", Epochs = 5, Batch = 3, Threads = 1, Data = "old" };
        CliRun cli = new() { ConfigOf = directory => directory == "r" ? saved : throw new EsperException("no run") };

        Assert.Equal(0, cli.Run("train", "--resume", "r", "--epochs", "9", "--threads", "2", "--data", "new", "--quiet", "--json", "--verbose"));
        TrainRequest request = Assert.Single(cli.Requests);
        Assert.Equal("r", request.ResumeDirectory);
        Assert.Equal(ConfigFile.Write(saved with { Epochs = 9, Threads = 2, Data = "new" }), ConfigFile.Write(request.Config));
    }

    [Theory]
    [InlineData("--resume", "r", "--epochs", "9")]
    [InlineData("--set", "train_flops=1e9", "--epochs", "9")]
    [InlineData("--set", "train_flops=1e9", "--set", "epochs=9")]
    public void Epochs_of_a_run_whose_length_is_a_number_of_operations_are_refused(params string[] options)
    {
        CliRun cli = new() { ConfigOf = _ => new RunConfig { TrainFlops = 1e9 } };

        Assert.Equal(2, cli.Run(["train", .. options]));
        Assert.Equal(
            [
                "error: epochs are given, but the run has train_flops = 1E+09, which sets its length",
                "hint: leave the epochs away; for another length, start a run with another train_flops",
            ],
            cli.ErrorLines);
        Assert.Empty(cli.Requests);
    }

    [Theory]
    [InlineData("--batch", "3")]
    [InlineData("--out", "o")]
    [InlineData("--set", "epochs=3")]
    [InlineData("--config", "f")]
    [InlineData("--no-augment", null)]
    [InlineData("--print-config", null)]
    [InlineData("--policy", "none")]
    public void Resume_refuses_everything_else_by_name(string option, string? value)
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run(["train", "--resume", "r", "--epochs", "3", option, .. value is null ? Array.Empty<string>() : [value]]));
        Assert.Equal(
            [
                $"error: --resume continues a run with its own configuration and cannot be combined with {option}",
                "hint: only --epochs, --threads, --data, --quiet and --json may change; start a new run for anything else",
            ],
            cli.ErrorLines);
        Assert.Empty(cli.Requests);
    }

    [Fact]
    public void An_invalid_configuration_fails_before_anything_is_trained()
    {
        CliRun cli = new();

        Assert.Equal(1, cli.Run("train", "--epochs", "0", "--label-smoothing", "2"));
        Assert.StartsWith("error: epochs: 0 is outside", cli.ErrorLines[0], StringComparison.Ordinal);
        Assert.StartsWith("  label_smoothing: 2 is outside", cli.ErrorLines[1], StringComparison.Ordinal);
        Assert.Empty(cli.Requests);
    }

    [Fact]
    public void Print_config_writes_yaml_that_reads_back_the_same_and_trains_nothing()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("train", "--print-config", "--set", "policy.kind=none", "--lr", "0.125"));
        RunConfig config = ConfigFile.Parse(cli.Output, "output");
        Assert.Equal(("none", 0.125), (config.Policy.Kind, config.Optimizer.LearningRate));
        Assert.Equal(cli.Output, ConfigFile.Write(config));
        Assert.Empty(cli.Requests);
    }

    [Fact]
    public void Every_key_that_can_be_set_is_in_the_printed_configuration()
    {
        string yaml = ConfigFile.Write(new RunConfig());

        Assert.All(Options.ConfigKeys.Paths, path => Assert.Contains(path.Split('.')[^1] + ":", yaml, StringComparison.Ordinal));
        int leaves = yaml.Split('\n').Count(line => line.Contains(':', StringComparison.Ordinal)) - Sections(yaml);
        Assert.Equal(leaves, Options.ConfigKeys.Paths.Count());
    }

    [Fact]
    public void Json_is_one_document_with_the_agreed_keys_and_progress_goes_to_standard_error()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("train", "--json"));
        string[] keys = [.. cli.Json.EnumerateObject().Select(property => property.Name)];
        Assert.Equal(
            [
                "run_id", "outcome", "host", "dataset", "policy", "seed", "threads", "epochs", "parameters_initial", "parameters_final",
                "accuracy_final", "loss_final", "accuracy_per_epoch", "loss_per_epoch", "train_flops", "step_ms_median", "seconds",
                "parameters_digest", "directory", "seeds", "overhead_flops", "rollbacks",
            ],
            keys);
        string[] seedKeys = [.. cli.Json.GetProperty("seeds")[0].EnumerateObject().Select(property => property.Name)];
        Assert.Equal(["site", "seed", "blueprint", "stage", "alpha", "gain", "gain_interval", "parameters"], seedKeys);
        Assert.Contains("\"lowrank-8+gated\"", cli.Output, StringComparison.Ordinal);
        Assert.StartsWith("run    run-1", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_shows_the_result_only()
    {
        CliRun quiet = new();
        CliRun quietJson = new();

        Assert.Equal(0, quiet.Run("train", "--quiet"));
        Assert.Equal(0, quietJson.Run("train", "--quiet", "--json"));
        Assert.StartsWith("completed", quiet.Output, StringComparison.Ordinal);
        Assert.Empty(quiet.Error);
        Assert.Equal(JsonValueKind.Object, quietJson.Json.ValueKind);
        Assert.Empty(quietJson.Error);
    }

    [Fact]
    public void Progress_and_result_go_to_standard_output_where_no_json_is_asked_for()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("train"));
        Assert.StartsWith("run    run-1", cli.Output, StringComparison.Ordinal);
        Assert.Contains("test accuracy", cli.Output, StringComparison.Ordinal);
        Assert.Empty(cli.Error);
    }

    [Fact]
    public void An_interrupted_run_gives_exit_code_130_and_says_how_to_continue()
    {
        CliRun cli = null!;
        cli = new CliRun
        {
            Train = (_, observer, cancellation) =>
            {
                Assert.False(cancellation.IsCancellationRequested);
                Assert.True(cli.Interruption!.Signal());
                Assert.True(cancellation.IsCancellationRequested);
                Assert.False(cli.Interruption!.Signal());
                return CliRun.Finish(observer, Samples.Summary(RunOutcome.Interrupted));
            },
        };

        Assert.Equal(130, cli.Run("train"));
        Assert.Equal(
            ["interrupted: finishing the step in flight, then writing a checkpoint; once more to leave at once"], cli.ErrorLines);
        Assert.Contains("--resume runs/run-1", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancellation_before_the_first_step_gives_exit_code_130_too()
    {
        CliRun cli = new() { Train = (_, _, _) => throw new OperationCanceledException() };

        Assert.Equal(130, cli.Run("train", "--json"));
        Assert.Equal(["error: interrupted"], cli.ErrorLines);
        Assert.Empty(cli.Output);
    }

    [Fact]
    public void Failures_show_their_message_without_a_stack()
    {
        CliRun cli = new() { Train = (_, _, _) => throw new EsperException("data/x.bin: byte 7: expected 3, found 4") };

        Assert.Equal(1, cli.Run("train", "--json"));
        Assert.Equal(["error: data/x.bin: byte 7: expected 3, found 4"], cli.ErrorLines);
        Assert.Empty(cli.Output);
    }

    [Fact]
    public void Details_of_a_failure_are_indented_and_its_fix_is_the_hint()
    {
        CliRun cli = new() { Train = (_, _, _) => throw new EsperException("libesper.so could not be loaded. Tried:\n  /a: no such file\nFix: build it.") };

        Assert.Equal(1, cli.Run("train"));
        Assert.Equal(["error: libesper.so could not be loaded. Tried:", "  /a: no such file", "hint: build it."], cli.ErrorLines);
    }

    [Fact]
    public void Unexpected_failures_show_their_type_and_their_stack_when_asked()
    {
        CliRun brief = new() { Train = (_, _, _) => throw new InvalidOperationException("odd") };
        CliRun verbose = new() { Train = (_, _, _) => throw new InvalidOperationException("odd") };

        Assert.Equal(1, brief.Run("train"));
        Assert.Equal(1, verbose.Run("train", "--verbose"));
        Assert.Equal(
            ["error: InvalidOperationException: odd", "hint: this is a defect of esper; run again with --verbose to see where it happened"],
            brief.ErrorLines);
        Assert.Contains(nameof(Unexpected_failures_show_their_type_and_their_stack_when_asked), verbose.Error, StringComparison.Ordinal);
    }

    private static int Sections(string yaml) => yaml.Split('\n').Count(line => line.Length > 0 && line[^1] == ':' && line[0] != ' ');
}

using System.Collections.Immutable;
using System.Text.Json;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Experiments;

namespace Esper.Cli.Tests;

public sealed class ExperimentCommandTests : IDisposable
{
    private const string Text = """
        name: two
        hypothesis: Widths help.
        dataset: glyphs
        seeds: [1, 2]
        base: { epochs: 2, lattice: { blueprints: [affine] } }
        arms:
          - { name: small, kind: static, set: { host: "cnn3:4" } }
          - { name: large, kind: static, set: { host: "cnn3:8" } }
        claims:
          - { name: wider, kind: superiority, a: large, b: small }
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("esper-cli-").FullName;

    private string Output => Path.Combine(_root, "out");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void The_document_has_arms_pairs_claims_and_a_verdict()
    {
        CliRun cli = new() { Launcher = new Pretender() };
        Assert.Equal(0, cli.Run("experiment", File("two.yaml", Text), "--output", Output, "--json"));
        JsonElement[] arms = [.. cli.Json.GetProperty("arms").EnumerateArray()];
        Assert.Equal(["small", "large"], arms.Select(arm => arm.GetProperty("name").GetString()));
        Assert.Equal(0.65, arms[1].GetProperty("accuracy_final").GetProperty("mean").GetDouble(), 12);
        Assert.Equal(2, arms[1].GetProperty("accuracy_final").GetProperty("ci95").GetArrayLength());
        JsonElement pair = cli.Json.GetProperty("pairs")[0];
        Assert.Equal(0.1, pair.GetProperty("difference").GetProperty("mean").GetDouble(), 12);
        Assert.Equal("supported", cli.Json.GetProperty("claims")[0].GetProperty("verdict").GetString());
        Assert.Equal("supported", cli.Json.GetProperty("verdict").GetString());
        Assert.Contains("4 runs, 2 arms, 2 seeds, 1 claims", cli.Error, StringComparison.Ordinal);
        Assert.True(System.IO.File.Exists(Path.Combine(Output, "report.html")));
    }

    [Fact]
    public void Report_gives_the_same_document_and_what_is_kept_names_no_place()
    {
        new CliRun { Launcher = new Pretender() }.Run("experiment", File("two.yaml", Text), "--output", Output);
        CliRun cli = new();
        Assert.Equal(0, cli.Run("report", Output, "--json"));
        Assert.Equal("supported", cli.Json.GetProperty("verdict").GetString());
        Assert.Equal(Path.Combine(Output, "report.html"), cli.Json.GetProperty("report").GetString());
        Assert.DoesNotContain(_root, System.IO.File.ReadAllText(Path.Combine(Output, "result.json")), StringComparison.Ordinal);
        Assert.DoesNotContain(_root, System.IO.File.ReadAllText(Path.Combine(Output, "report.html")), StringComparison.Ordinal);
        string elsewhere = Path.Combine(_root, "elsewhere.html");
        Assert.Equal(0, cli.Run("report", Output, "--out", elsewhere));
        Assert.Contains("Widths help.", System.IO.File.ReadAllText(elsewhere), StringComparison.Ordinal);
    }

    [Fact]
    public void The_text_shows_arms_and_the_rule()
    {
        CliRun cli = new() { Launcher = new Pretender(), Width = 100 };
        Assert.Equal(0, cli.Run("experiment", File("two.yaml", Text), "--output", Output, "--jobs", "2"));
        Assert.Contains("wider: supported", cli.Output, StringComparison.Ordinal);
        Assert.Contains("Rule: supported if, for 'small', the lower end of the 95 % interval", cli.Output, StringComparison.Ordinal);
        Assert.Matches(@"large +2 +65\.00 % +± \d+\.\d\d %", cli.Output);
        Assert.Contains("4 of 4 runs; verdict: supported", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_run_is_told_and_makes_the_command_fail()
    {
        CliRun cli = new() { Launcher = new Pretender { Failing = "large-s2" } };
        Assert.Equal(1, cli.Run("experiment", File("two.yaml", Text), "--output", Output));
        Assert.Contains(cli.ErrorLines, line => line.StartsWith("failed: large-s2-", StringComparison.Ordinal) && line.EndsWith(": it diverged", StringComparison.Ordinal));
        Assert.Contains("verdict: no verdict", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mistake_in_the_file_is_told_with_its_line()
    {
        CliRun cli = new();
        Assert.Equal(1, cli.Run("experiment", File("two.yaml", Text.Replace("seeds", "seed", StringComparison.Ordinal))));
        Assert.Contains("two.yaml, line 4: unknown key 'seed' of an experiment. Did you mean 'seeds'?", cli.Error, StringComparison.Ordinal);
        Assert.Equal(1, cli.Run("experiment", Path.Combine(_root, "absent.yaml")));
        Assert.Equal(2, cli.Run("experiment"));
        Assert.Equal(2, cli.Run("experiment", "x.yaml", "--jobs", "0"));
    }

    [Fact]
    public void Data_come_from_the_option_or_the_environment()
    {
        string text = Text.Replace("glyphs", "cifar10", StringComparison.Ordinal);
        CliRun cli = new();
        Assert.Equal(1, cli.Run("experiment", File("two.yaml", text), "--output", Output));
        Assert.Contains("give --data a path", cli.Error, StringComparison.Ordinal);
        CliRun option = new();
        Assert.Equal(1, option.Run("experiment", File("two.yaml", text), "--output", Output, "--data", Path.Combine(_root, "from-option")));
        Assert.Contains("from-option: no such directory", option.Error, StringComparison.Ordinal);
        CliRun variable = new();
        variable.Variables["ESPER_DATA"] = Path.Combine(_root, "from-variable");
        Assert.Equal(1, variable.Run("experiment", File("two.yaml", text), "--output", Output));
        Assert.Contains("from-variable: no such directory", variable.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void A_run_stops_when_its_input_ends()
    {
        // An empty input has ended already: the run is cancelled as by a signal, and a later signal is only the second one.
        CliRun cli = new()
        {
            Train = (_, observer, token) =>
            {
                Assert.True(token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
                return CliRun.Finish(observer, Samples.Summary(RunOutcome.Interrupted));
            },
        };
        Assert.Equal(130, cli.Run("train", "--while-input", "--quiet", "--json"));
        Assert.DoesNotContain("--while-input", Help(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_end_of_the_input_after_a_signal_is_not_a_second_one()
    {
        int first = 0, second = 0;
        using Interruption interruption = new(() => first++, () => second++);
        Assert.True(interruption.Signal());
        interruption.End();
        Assert.Equal((1, 0), (first, second));
        using Interruption other = new(() => first++, () => second++);
        other.End();
        other.End();
        Assert.True(other.Token.IsCancellationRequested);
        Assert.Equal((2, 0), (first, second));
    }

    private static string Help()
    {
        CliRun cli = new();
        cli.Run("train", "--help");
        return cli.Output;
    }

    private string File(string name, string text)
    {
        string path = Path.Combine(_root, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Records runs without training: 55 % for the small host, 65 % for the large one, the seeds half a point apart.</summary>
    private sealed class Pretender : IRunLauncher
    {
        public string? Failing { get; init; }

        public Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation)
        {
            if (Failing is not null && launch.Id.StartsWith(Failing, StringComparison.Ordinal))
            {
                return Task.FromResult<string?>("it diverged");
            }

            RunConfig config = ConfigFile.Read(launch.ConfigPath);
            double accuracy = (config.Host == "cnn3:8" ? 0.65 : 0.55) + ((config.Seed - 1.5) * 0.005);
            RunDirectory directory = RunDirectory.Create(launch.Directory);
            using RunRecorder recorder = new(directory);
            recorder.OnStarted(Samples.Info());
            ImmutableArray<double> course = [0.5, accuracy];
            for (int epoch = 1; epoch <= 2; epoch++)
            {
                recorder.OnEpoch(new EpochReport(epoch, epoch * 4L, 1, 0.5, 1, course[epoch - 1], 0.1, 100, epoch * 5e8, 1, 0, 1.5, []));
            }

            recorder.OnFinished(Samples.Summary(RunOutcome.Completed) with { AccuracyFinal = accuracy, Host = config.Host, Seed = config.Seed });
            return Task.FromResult<string?>(null);
        }
    }
}

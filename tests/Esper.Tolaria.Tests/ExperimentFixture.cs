using System.Collections.Immutable;
using System.Text;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Experiments;

namespace Esper.Tolaria.Tests;

/// <summary>Conducts experiments in a directory of its own.</summary>
internal sealed class ExperimentFixture : IDisposable, IExperimentObserver
{
    public string Root { get; } = Directory.CreateTempSubdirectory("esper-experiments-").FullName;

    public List<string> Log { get; } = [];

    public Action<PlannedRun> OnStart { get; set; } = static _ => { };

    public static ExperimentDefinition Parse(string text) => ExperimentFile.Parse(Encoding.UTF8.GetBytes(text), "e.yaml");

    public Task<bool> RunAsync(string text, IRunLauncher launcher, int jobs = 1, CancellationToken cancellation = default) =>
        new ExperimentRunner(launcher, TimeProvider.System, this).RunAsync(
            Parse(text), new ExperimentOptions(Root, null, jobs, 2, "esper test"), cancellation);

    public ExperimentRecord Record() => ExperimentRecord.Load(Root);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public void OnPlanned(ExperimentPlan plan, string directory, int finished) => Add($"planned {finished}/{plan.Runs.Length}");

    public void OnRunStarted(PlannedRun run, ResolvedRun resolved, bool resumed)
    {
        Add($"{(resumed ? "resumed" : "started")} {run.Arm} {run.Seed}");
        OnStart(run);
    }

    public void OnRunEnded(PlannedRun run, RunSummary? summary, string? failure, int finished) =>
        Add(failure is not null ? $"failed {run.Arm} {run.Seed}: {failure}" : $"{(summary is null ? "stopped" : "ended")} {run.Arm} {run.Seed}");

    public void OnNotice(string message) => Add(message);

    private void Add(string line)
    {
        lock (Log)
        {
            Log.Add(line);
        }
    }
}

/// <summary>Trains in this process.</summary>
internal sealed class TrainerLauncher : IRunLauncher
{
    public Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation)
    {
        RunConfig config = ConfigFile.Read(launch.ConfigPath) with { Threads = launch.Threads };
        TrainRequest request = launch.Resume ? new(config, null, launch.Directory) : new(config, launch.Directory, null);
        Trainer.Train(request, new CompositeObserver(), TimeProvider.System, cancellation);
        return Task.FromResult<string?>(null);
    }
}

/// <summary>Writes a result without training, or fails where told to.</summary>
internal sealed class FakeLauncher : IRunLauncher
{
    public List<string> Launched { get; } = [];

    public Func<RunLaunch, Task<string?>> Before { get; set; } = static _ => Task.FromResult<string?>(null);

    public double Seconds { get; init; } = 10;

    public ImmutableArray<SeedSummary> Seeds { get; init; } = [];

    public async Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation)
    {
        lock (Launched)
        {
            Launched.Add(launch.Id);
        }

        if (await Before(launch) is { } failure)
        {
            return failure;
        }

        if (cancellation.IsCancellationRequested)
        {
            return null;
        }

        RunConfig config = ConfigFile.Read(launch.ConfigPath);
        if (!launch.Resume)
        {
            RunDirectory.Create(launch.Directory);
        }

        ExperimentDirectory.Write(Path.Combine(launch.Directory, "run.json"), new RunInfo(
            launch.Id, config.Host, "glyphs", "none", "cpu", 1, config.Seed, 2, 1, 4, 8, 32, 8, 8, 100, 1000, [], "x"));
        File.WriteAllText(Path.Combine(launch.Directory, "metrics.jsonl"), string.Empty);
        File.WriteAllText(Path.Combine(launch.Directory, "events.jsonl"), string.Empty);
        ExperimentDirectory.Write(Path.Combine(launch.Directory, "summary.json"), new RunSummary(
            launch.Id, RunOutcome.Completed, config.Host, "glyphs", "none", config.Seed, 1, 2, 100, 132, 0.5, 1, [0.4, 0.5], [1, 0.9], 1e9, 1, Seconds,
            "ab", "x", Seeds));
        return null;
    }
}

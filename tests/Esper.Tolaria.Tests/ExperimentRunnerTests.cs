using Esper.Contracts;
using Esper.Nissa;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Experiments;

namespace Esper.Tolaria.Tests;

/// <summary>The conduct of experiments, with runs that only pretend to train.</summary>
public sealed class ExperimentRunnerTests
{
    private const string Text = """
        name: pretend
        hypothesis: Nothing is trained.
        dataset: glyphs
        seeds: [1, 2]
        base: { host: "cnn3:4-8", epochs: 2, lattice: { blueprints: [affine] } }
        arms:
          - { name: static, kind: static }
          - { name: grown, kind: grown, set: { policy: { kind: schedule } } }
          - { name: final, kind: final-architecture, of: grown, match: epochs }
          - { name: upgrade, kind: upgrade, of: static, set: { policy: { kind: schedule } } }
        """;

    [Fact]
    public async Task The_plan_stands_before_the_first_run_and_does_not_change()
    {
        using ExperimentFixture fixture = new();
        string? plan = null;
        fixture.OnStart = _ => plan ??= File.ReadAllText(Path.Combine(fixture.Root, "plan.json"));
        Assert.True(await fixture.RunAsync(Text, new FakeLauncher()));
        Assert.NotNull(plan);
        Assert.Equal(plan, File.ReadAllText(Path.Combine(fixture.Root, "plan.json")));
        Assert.Equal(Text, File.ReadAllText(Path.Combine(fixture.Root, "experiment.yaml")));
        Assert.Contains(ExperimentFixture.Parse(Text).Sha256, plan, StringComparison.Ordinal);
        Assert.Equal(8, fixture.Log.Count(line => line.StartsWith("ended", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_has_finished_is_not_done_again()
    {
        using ExperimentFixture fixture = new();
        using CancellationTokenSource stop = new();
        FakeLauncher first = new();
        first.Before = async _ =>
        {
            if (first.Launched.Count == 4)
            {
                await stop.CancelAsync();
            }

            return null;
        };
        Assert.False(await fixture.RunAsync(Text, first, cancellation: stop.Token));
        Assert.Equal(4, first.Launched.Count);
        FakeLauncher second = new();
        Assert.True(await fixture.RunAsync(Text, second));
        Assert.Equal(5, second.Launched.Count);
        Assert.Equal(8, first.Launched.Take(3).Concat(second.Launched).Distinct().Count());
        FakeLauncher third = new();
        Assert.True(await fixture.RunAsync(Text, third));
        Assert.Empty(third.Launched);
    }

    [Fact]
    public async Task A_beginning_without_a_description_is_thrown_away_and_one_with_it_continued()
    {
        using ExperimentFixture fixture = new();
        PlannedRun[] runs = [.. ExperimentPlanner.Runs(ExperimentFixture.Parse(Text))];
        ExperimentDirectory directory = ExperimentDirectory.Create(fixture.Root);
        Directory.CreateDirectory(directory.RunPath(runs[0].Id));
        File.WriteAllText(Path.Combine(directory.RunPath(runs[0].Id), "metrics.jsonl"), "torn");
        Directory.CreateDirectory(directory.RunPath(runs[1].Id));
        File.WriteAllText(Path.Combine(directory.RunPath(runs[1].Id), "run.json"), "{}");
        Assert.True(await fixture.RunAsync(Text, new FakeLauncher()));
        Assert.Contains("started static 1", fixture.Log);
        Assert.Contains("resumed grown 1", fixture.Log);
    }

    [Fact]
    public async Task Another_file_is_refused_in_the_same_directory()
    {
        using ExperimentFixture fixture = new();
        await fixture.RunAsync(Text, new FakeLauncher());
        EsperException error = await Assert.ThrowsAsync<EsperException>(
            () => fixture.RunAsync(Text.Replace("Nothing", "Hardly anything", StringComparison.Ordinal), new FakeLauncher()));
        Assert.Contains("A plan does not change once it stands", error.Message, StringComparison.Ordinal);
        Assert.Contains("--output", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_sittings_at_once_are_refused()
    {
        using ExperimentFixture fixture = new();
        using RunLock held = RunLock.Take(ExperimentDirectory.Create(fixture.Root).LockPath, "an experiment");
        EsperException error = await Assert.ThrowsAsync<EsperException>(() => fixture.RunAsync(Text, new FakeLauncher()));
        Assert.Contains("is in use", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_kept_and_takes_along_only_what_depends_on_it()
    {
        using ExperimentFixture fixture = new();
        FakeLauncher failing = new() { Before = launch => Task.FromResult<string?>(launch.Id.StartsWith("grown-s1", StringComparison.Ordinal) ? "it diverged" : null) };
        Assert.True(await fixture.RunAsync(Text, failing));
        Assert.Contains("failed grown 1: it diverged", fixture.Log);
        Assert.DoesNotContain("started final 1", fixture.Log);
        Assert.Contains("ended final 2", fixture.Log);
        ExperimentRecord record = fixture.Record();
        Assert.Equal("it diverged", record.Runs.Single(run => run.State == RunState.Failed).Failure);
        FakeLauncher again = new();
        Assert.True(await fixture.RunAsync(Text, again));
        Assert.Equal(2, again.Launched.Count);
    }

    [Fact]
    public async Task A_run_that_ends_without_a_result_has_failed()
    {
        using ExperimentFixture fixture = new();
        Assert.True(await fixture.RunAsync(Text, new Silent()));
        Assert.Contains("failed static 1: ended without a result", fixture.Log);
    }

    [Fact]
    public async Task As_many_runs_as_jobs_go_at_a_time_and_dependencies_are_waited_for()
    {
        using ExperimentFixture fixture = new();
        int now = 0, most = 0;
        FakeLauncher launcher = new()
        {
            Before = async _ =>
            {
                most = Math.Max(most, Interlocked.Increment(ref now));
                await Task.Delay(30);
                Interlocked.Decrement(ref now);
                return null;
            },
        };
        Assert.True(await fixture.RunAsync(Text, launcher, jobs: 3));
        Assert.Equal(3, most);
        foreach (long seed in new long[] { 1, 2 })
        {
            Assert.True(fixture.Log.IndexOf($"started final {seed}") > fixture.Log.IndexOf($"ended grown {seed}"));
            Assert.True(fixture.Log.IndexOf($"started upgrade {seed}") > fixture.Log.IndexOf($"ended static {seed}"));
        }
    }

    [Fact]
    public async Task When_the_budget_is_spent_nothing_more_begins()
    {
        using ExperimentFixture fixture = new();
        FakeLauncher launcher = new() { Seconds = 1000 };
        Assert.False(await fixture.RunAsync(Text + "\nbudget: { run_hours: 0.5 }", launcher));
        Assert.Equal(2, launcher.Launched.Count);
        Assert.Contains(fixture.Log, line => line.StartsWith("The budget is spent: 33 min 20 s of 30 min 00 s. 6 runs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_that_does_not_go_with_the_data_is_refused_before_anything_is_written()
    {
        using ExperimentFixture fixture = new();
        await Assert.ThrowsAnyAsync<EsperException>(
            () => fixture.RunAsync(Text.Replace("cnn3:4-8", "char-gpt:1-8-2", StringComparison.Ordinal), new FakeLauncher()));
        Assert.False(File.Exists(Path.Combine(fixture.Root, "plan.json")));
    }

    private sealed class Silent : IRunLauncher
    {
        public Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation) => Task.FromResult<string?>(null);
    }
}

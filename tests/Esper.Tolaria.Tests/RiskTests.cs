using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tamiyo.Decisions;
using Esper.Tamiyo.Risk;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

/// <summary>Whole runs in which the risk engine or the time limit steps in.</summary>
public sealed class RiskTests : IDisposable
{
    private static readonly RunConfig Small = SmallRun.Config;

    private readonly string _root = Directory.CreateTempSubdirectory("esper-risk-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void The_default_rules_hold_nothing_of_a_healthy_run_and_every_change_carries_a_verdict()
    {
        RunRecord record = Train(Small with { Epochs = 5 }, "a");
        LifecycleEvent[] added = [.. record.Events.Where(change => change.From != change.To && change.To is > SeedStage.Dormant and < SeedStage.Culled)];
        Assert.NotEmpty(added);
        Assert.All(added, change => Assert.True(change.Risk?.Allowed, change.Reason));
        Assert.DoesNotContain(record.Events, change => change.Risk is { Allowed: false });
    }

    [Fact]
    public void A_tier_too_high_gives_way_to_a_safer_blueprint()
    {
        RunRecord record = Train(Small with { Risk = new RiskOptions { TierMaximum = "low" } }, "a");
        LifecycleEvent[] births = [.. record.Events.Where(change => change.To == SeedStage.Germinated && change.From == SeedStage.Dormant)];
        Assert.NotEmpty(births);
        Assert.All(births, birth => Assert.Equal(("affine", RiskAction.Downgrade, "tier"), (birth.Blueprint, birth.Risk!.Action, birth.Risk.Rule)));
    }

    [Fact]
    public void Where_nothing_is_safe_enough_nothing_grows_and_the_record_says_why()
    {
        RunConfig config = Small with
        {
            Lattice = Small.Lattice with { Blueprints = ["bottleneck-4"] },
            Risk = new RiskOptions { TierMaximum = "low" },
        };
        RunRecord record = Train(config, "a");
        Assert.NotEmpty(record.Events);
        Assert.All(record.Events, change =>
        {
            Assert.Equal(SeedStage.Dormant, change.To);
            Assert.Equal((RiskAction.Hold, "tier"), (change.Risk!.Action, change.Risk.Rule));
            Assert.StartsWith("refused: risk rule 'tier' says hold: risk tier of the blueprint", change.Reason, StringComparison.Ordinal);
        });
        Assert.Contains("tier: hold", File.ReadAllText(Path.Combine(_root, "a", "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_quarantine_holds_over_a_resume_to_the_same_bits()
    {
        RunConfig config = Small with { Risk = new RiskOptions { GradientRatioMinimum = null, GradientRatioMaximum = 1e-30 } };
        RunRecord whole = Train(config, "whole");
        LifecycleEvent[] culled = [.. whole.Events.Where(change => change.To == SeedStage.Culled)];
        Assert.NotEmpty(culled);
        Assert.All(culled, change => Assert.Equal(("risk engine", RiskAction.Quarantine), (change.Issuer, change.Risk!.Action)));
        HashSet<(int Site, string Blueprint)> gone = [];
        foreach (LifecycleEvent change in whole.Events)
        {
            if (change.To == SeedStage.Culled)
            {
                gone.Add((change.Seed.Site, change.Blueprint!));
            }
            else if (change.To == SeedStage.Germinated)
            {
                Assert.DoesNotContain((change.Seed.Site, change.Blueprint!), gone);
            }
        }

        using CancellationTokenSource stop = new();
        Train(config, "part", new Watcher(step => Cancel(stop, step == 33)), cancellation: stop.Token);
        string directory = Path.Combine(_root, "part");
        string checkpoint = new CheckpointStore(Path.Combine(directory, "checkpoints"), 2).Newest()!;
        Assert.Equal(gone.Order(), CheckpointStore.Read(checkpoint).State.Control!.Quarantine.Select(arm => (arm.Site, arm.Blueprint)).Order());
        RunSummary rest = Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(directory), null, directory), new Watcher(), TimeProvider.System, default);
        Assert.Equal(whole.Summary!.ParametersDigest, rest.ParametersDigest);
        Assert.Equal(whole.Events.Select(Key), RunRecord.Load(directory).Events.Select(Key));

        static (long, SeedId, SeedStage, string?, string) Key(LifecycleEvent change) =>
            (change.Step, change.Seed, change.To, change.CommandId, change.Reason);
    }

    [Fact]
    public void A_leap_of_the_loss_takes_the_run_back()
    {
        // Any change worse than the usual one counts as a leap here, so that one comes within a few epochs.
        RunConfig config = Small with { Epochs = 10, Risk = new RiskOptions { LossSpikeRollback = 0 } };
        Tests.Watcher watcher = new();
        Trainer.Train(new TrainRequest(config, Path.Combine(_root, "a"), null), watcher, TimeProvider.System, default);
        RollbackReport rollback = watcher.Rollbacks[0];
        Assert.Equal(RollbackCause.Risk, rollback.Cause);
        Assert.StartsWith("risk rule 'loss-spike' says roll back", rollback.Reason, StringComparison.Ordinal);
        Assert.True(rollback.ToStep < rollback.Step);
        Assert.NotEmpty(rollback.Culled);
        Assert.NotEmpty(rollback.Quarantined);
        RunRecord record = RunRecord.Load(Path.Combine(_root, "a"));
        Assert.Equal(RunOutcome.Completed, record.Summary!.Outcome);
        Assert.Equal(watcher.Rollbacks.Count, record.Summary.Rollbacks);
        Assert.Equal(Enumerable.Range(1, 10), record.Epochs.Select(epoch => epoch.Epoch));
        Assert.Empty(Replayer.Replay(Path.Combine(_root, "a")).Details);
    }

    [Fact]
    public void Too_little_memory_is_told_with_its_numbers()
    {
        RunRecord record = Train(Small with { Epochs = 2, Risk = new RiskOptions { MemoryHeadroomMinimum = 1 } }, "a");
        LifecycleEvent held = record.Events.First(change => change.Risk is { Rule: "memory-headroom" });
        GateMeasurement share = held.Risk!.Findings.Single(finding => finding.Rule == "memory-headroom").Measurements.Single();
        Assert.InRange(share.Value, 0, 1);
        Assert.Equal((1.0, false), (share.Threshold, share.Passed));
    }

    [Fact]
    public void Slow_steps_hold_germination()
    {
        RunRecord record = Train(Small with { Epochs = 2, Risk = new RiskOptions { StepMsMaximum = 0 } }, "a");
        Assert.All(record.Events, change => Assert.Equal("latency", change.Risk!.Rule));
        Assert.NotEmpty(record.Events);
    }

    [Fact]
    public void A_policy_under_a_limit_decides_as_without()
    {
        RunRecord free = Train(Small, "free");
        RunRecord limited = Train(Small with { Policy = Small.Policy with { DecisionLimitMs = 600_000 } }, "limited", host: Host());
        Assert.Equal(free.Summary!.ParametersDigest, limited.Summary!.ParametersDigest);
        Assert.Empty(limited.Failures);
        Assert.NotEmpty(limited.Events);
    }

    [Fact]
    public void A_policy_that_spins_decides_nothing_and_ends_the_run_in_time()
    {
        RunConfig config = Small with { Policy = Small.Policy with { DecisionLimitMs = 200, DecisionFailuresMaximum = 2 } };
        EsperException error = Assert.Throws<EsperException>(() => Train(config, "a", host: Host("spin")));
        Assert.Contains("2 times in a row, last after epoch 2", error.Message, StringComparison.Ordinal);
        RunRecord record = RunRecord.Load(Path.Combine(_root, "a"));
        Assert.Equal([1, 2], record.Failures.Select(failure => failure.Consecutive));
        Assert.Empty(record.Events);

        // The row goes on after a resume from the checkpoint between the two.
        EsperException again = Assert.Throws<EsperException>(() => Trainer.Train(
            new TrainRequest(Trainer.ConfigOf(Path.Combine(_root, "a")), null, Path.Combine(_root, "a"), Host("spin")),
            new Watcher(),
            TimeProvider.System,
            default));
        Assert.Contains("2 times in a row, last after epoch 2", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_without_a_program_to_keep_it_in_is_refused_before_training()
    {
        RunConfig config = Small with { Policy = Small.Policy with { DecisionLimitMs = 200 } };
        Assert.Contains("TrainRequest.PolicyHost", Assert.Throws<EsperException>(() => Train(config, "a")).Message, StringComparison.Ordinal);
    }

    private static PolicyLaunch Host(params string[] script) =>
        PolicyLaunch.OfProgram(typeof(RiskTests).Assembly.Location, ["policy-host", .. script]);

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
        {
            source.Cancel();
        }
    }

    private RunRecord Train(
        RunConfig config, string name, IRunObserver? observer = null, PolicyLaunch? host = null, CancellationToken cancellation = default)
    {
        string directory = Path.Combine(_root, name);
        Trainer.Train(new TrainRequest(config, directory, null, host), observer ?? new Watcher(), TimeProvider.System, cancellation);
        return RunRecord.Load(directory);
    }

    private sealed class Watcher(Action<long>? onStep = null) : IRunObserver
    {
        public void OnStarted(RunInfo info)
        {
        }

        public void OnStep(in StepReport report) => onStep?.Invoke(report.Step);

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

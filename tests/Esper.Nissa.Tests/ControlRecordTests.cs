using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

/// <summary>Failed decisions, risk verdicts and refusals of the guard in a run's record and report.</summary>
public sealed class ControlRecordTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Failed_decisions_are_read_back_and_everybody_hears_of_them()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = RunDirectory.Create(temporary["run"]);
        Collector other = new();
        using (RunRecorder recorder = new(directory))
        {
            CompositeObserver all = new(recorder, other);
            new SampleRun { Epochs = 3 }.Play(recorder);
            all.OnDecisionFailed(Failure(1));
            all.OnDecisionFailed(Failure(2));
        }

        Assert.Equal([Failure(1), Failure(2)], RunRecord.Load(directory).Failures.AsEnumerable());
        Assert.Equal([Failure(1), Failure(2)], other.Failures);
    }

    [Fact]
    public void A_run_without_failures_has_no_file_of_them()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        Assert.False(File.Exists(directory.FailuresPath));
        Assert.Empty(RunRecord.Load(directory).Failures);
    }

    [Fact]
    public void A_resume_drops_the_failures_after_its_checkpoint()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 4 });
        using (RunRecorder recorder = new(directory))
        {
            recorder.OnDecisionFailed(Failure(1));
            recorder.OnDecisionFailed(Failure(2));
            recorder.OnDecisionFailed(Failure(3));
        }

        RunRecorder.Resume(directory, 2).Dispose();
        Assert.Equal([Failure(1), Failure(2)], RunRecord.Load(directory).Failures.AsEnumerable());
    }

    [Fact]
    public void Verdicts_and_refusals_are_read_back_and_shown()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = RunDirectory.Create(temporary["run"]);
        LifecycleEvent[] told = [Held(), Turned()];
        using (RunRecorder recorder = new(directory))
        {
            new SampleRun { Epochs = 2, GrowEvery = 0, Finishes = false }.Play(recorder);
            told.ToList().ForEach(recorder.OnLifecycle);
            recorder.OnDecisionFailed(Failure(1));
        }

        RunRecord record = RunRecord.Load(directory);
        Assert.Equal(JsonSerializer.Serialize(told, EsperJson.Compact), JsonSerializer.Serialize(record.Events, EsperJson.Compact));
        string page = RunReport.Render(record);
        Assert.Contains("loss-spike: hold", page, StringComparison.Ordinal);
        Assert.Contains("17.6", page, StringComparison.Ordinal);
        Assert.Contains("guard: Replayed", page, StringComparison.Ordinal);
        Assert.Contains("Decisions that were not made (1)", page, StringComparison.Ordinal);
        Assert.Contains("did not answer &lt;in time&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Events_from_before_there_was_a_risk_engine_are_read()
    {
        const string line = """
            {"time":"2026-01-02T03:04:05+00:00","epoch":1,"step":10,"seed":{"site":0,"seed":0},"from":"Dormant","to":"Germinated",
            "blueprint":"affine","command_id":"c","issuer":"i","reason":"r","verdict":null}
            """;
        LifecycleEvent old = JsonSerializer.Deserialize<LifecycleEvent>(line, EsperJson.Compact)!;
        Assert.Null(old.Risk);
        Assert.Null(old.Refusal);
    }

    private static DecisionFailure Failure(int epoch) =>
        new(Time, epoch, epoch * 10, "bandit", 250, epoch, 3, "asked what to do, the policy did not answer <in time>");

    private static LifecycleEvent Held()
    {
        RiskFinding finding = new(
            "loss-spike",
            RiskAction.Hold,
            "leap",
            null,
            [new GateMeasurement("last change of validation loss, at most", 17.6, 6, false)]);
        LifecycleChange change = new(
            new SeedId(0, 0), SeedStage.Training, SeedStage.Blending, new ModuleOption("affine", 1, 2), [], "lifecycle", null, null, 1, 2, 3, 4, 0.5, 1);
        RiskInputs inputs = new(change, new RiskConditions([2.0, 1.0], 12.5, null, null), ["gate-4"]);
        RiskVerdict verdict = new(SeedStage.Blending, RiskAction.Hold, "loss-spike", "leap", null, [finding], inputs);
        return new LifecycleEvent(
            Time, 1, 10, new SeedId(0, 0), SeedStage.Training, SeedStage.Training, "affine", null, "lifecycle", "refused: leap", null, verdict);
    }

    private static LifecycleEvent Turned() => new(
        Time, 1, 10, new SeedId(0, 1), SeedStage.Dormant, SeedStage.Dormant, null, "c-1", "bandit", "refused: replay", null, null,
        new CommandRefusal(CommandFault.Replayed, "c-1", "bandit", "nonce", "00ff", "one that was not seen before"));
}

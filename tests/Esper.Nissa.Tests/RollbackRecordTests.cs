using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

/// <summary>What a rollback makes void is not read back, and a resume finds its place on either side of one.</summary>
public sealed class RollbackRecordTests
{
    // Epochs 1 to 5 of ten steps; a fault in the fifth takes the run back into the third, and it goes on from there.
    private static readonly RollbackReport Back = new(
        DateTimeOffset.UnixEpoch, 4, 47, 2, 25, RollbackCause.LossOutOfBounds, "step 47: loss 9 is above 2 for 3 steps",
        "live seeds are culled", 1, 5, [new SeedId(0, 1)], ["affine at site 0"]);

    [Fact]
    public void What_a_rollback_made_void_is_left_out()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = Play(temporary, lastEpoch: 6);
        RunRecord record = RunRecord.Load(directory);
        Assert.Equal(Enumerable.Range(1, 6), record.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(Enumerable.Range(1, 60).Select(step => (long)step), record.Steps.Select(step => step.Step));
        Assert.Equal(Json(Back), Json(Assert.Single(record.Rollbacks)));
        Collector whole = new();
        new SampleRun { Epochs = 6, GrowEvery = 1 }.Play(whole);
        Assert.Equal(Json(whole.Events), Json(record.Events));
        string html = RunReport.Render(record);
        Assert.Contains("Rollbacks (1)", html, StringComparison.Ordinal);
        Assert.Contains(Back.Reason, html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    [InlineData(0, 0)]
    public void A_resume_behind_a_rollback_keeps_it(int epochs, int rollbacks)
    {
        // Epochs 3 and 4 came twice: the record is that of the second time, where the checkpoint is from.
        using TemporaryDirectory temporary = new();
        RunDirectory directory = Play(temporary, lastEpoch: 5);
        RunRecorder.Resume(directory, epochs, 1).Dispose();
        RunRecord record = RunRecord.Load(directory);
        Assert.Equal(Enumerable.Range(1, epochs), record.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(epochs == 2 ? 0 : rollbacks, record.Rollbacks.Length);
        Assert.Equal(epochs * 10, record.Steps.Length);
        Assert.All(record.Events, change => Assert.True(change.Step <= epochs * 10));
    }

    [Fact]
    public void A_resume_from_before_a_rollback_forgets_it()
    {
        // The process ended between the rollback and the checkpoint that makes it last.
        using TemporaryDirectory temporary = new();
        RunDirectory directory = Play(temporary, lastEpoch: 0);
        RunRecorder.Resume(directory, 4, 1).Dispose();
        RunRecord record = RunRecord.Load(directory);
        Assert.Equal([1, 2, 3, 4], record.Epochs.Select(epoch => epoch.Epoch));
        Assert.Empty(record.Rollbacks);
        Assert.Equal(40, record.Steps.Length);
    }

    [Fact]
    public void Every_observer_hears_of_it()
    {
        Heard first = new();
        Heard second = new();
        new CompositeObserver(first, second).OnRollback(Back);
        Assert.Equal((1, 1), (first.Count, second.Count));
    }

    private static RunDirectory Play(TemporaryDirectory temporary, int lastEpoch)
    {
        RunDirectory directory = RunDirectory.Create(temporary["run"]);
        using RunRecorder recorder = new(directory, 1);
        new SampleRun { Epochs = 6, InterruptedAfter = 4, Finishes = false, GrowEvery = 1 }.Play(recorder);
        recorder.OnRollback(Back);
        if (lastEpoch > 0)
        {
            new SampleRun { Epochs = 6, InterruptedAfter = lastEpoch, Finishes = false, GrowEvery = 1 }.Play(new Later(recorder));
        }

        return directory;
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, EsperJson.Compact);

    /// <summary>Passes on what comes after the place that the run was taken back to.</summary>
    private sealed class Later(IRunObserver inner) : IRunObserver
    {
        public void OnStarted(RunInfo info)
        {
        }

        public void OnStep(in StepReport report)
        {
            if (report.Step > Back.ToStep)
            {
                inner.OnStep(report);
            }
        }

        public void OnLifecycle(LifecycleEvent change)
        {
            if (Back.Voids(change.Epoch, change.Step))
            {
                inner.OnLifecycle(change);
            }
        }

        public void OnEpoch(EpochReport report)
        {
            if (report.Epoch > Back.ToEpoch)
            {
                inner.OnEpoch(report);
            }
        }

        public void OnFinished(RunSummary summary)
        {
        }
    }

    private sealed class Heard : IRunObserver
    {
        public int Count { get; private set; }

        public void OnStarted(RunInfo info)
        {
        }

        public void OnStep(in StepReport report)
        {
        }

        public void OnLifecycle(LifecycleEvent change)
        {
        }

        public void OnRollback(RollbackReport report) => Count++;

        public void OnEpoch(EpochReport report)
        {
        }

        public void OnFinished(RunSummary summary)
        {
        }
    }
}

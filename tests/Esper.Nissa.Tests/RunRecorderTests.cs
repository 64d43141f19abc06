using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

public sealed class RunRecorderTests
{
    [Fact]
    public void A_run_is_read_back_as_it_was_told()
    {
        using TemporaryDirectory temporary = new();
        SampleRun run = new() { Epochs = 12, GrowEvery = 1 };
        Collector told = new();
        run.Play(told);

        RunRecord record = RunRecord.Load(temporary.Record(run, stepInterval: 5));

        Assert.Equal(Json(told.Info), Json(record.Info));
        Assert.Equal(Json(told.Epochs), Json(record.Epochs));
        Assert.Equal(Json(told.Events), Json(record.Events));
        Assert.Equal(Json(told.Summary), Json(record.Summary));
        Assert.Equal(Json(told.Steps.Where(s => s.Step % 5 == 0).Select(s => StepRecord.From(s))), Json(record.Steps));
        Assert.NotEmpty(record.Events);
        Assert.Empty(record.Warnings);
        Assert.Null(record.Configuration);
    }

    [Fact]
    public void Steps_are_recorded_only_where_asked_for()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 3 });
        Assert.Empty(RunRecord.Load(directory).Steps);
        Assert.All(File.ReadLines(directory.MetricsPath), l => Assert.StartsWith("{\"kind\":\"epoch\"", l, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_epoch_is_on_disk_when_the_call_returns()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = RunDirectory.Create(temporary["run"]);
        using RunRecorder recorder = new(directory);
        new SampleRun { Epochs = 6, InterruptedAfter = 4, Finishes = false }.Play(recorder);
        RunRecord record = RunRecord.Load(directory);
        Assert.Equal(4, record.Epochs.Length);
        Assert.Null(record.Summary);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(20)]
    public void A_resumed_record_is_that_of_a_run_never_interrupted(int checkpoint)
    {
        using TemporaryDirectory temporary = new();
        SampleRun run = new();
        RunDirectory whole = temporary.Record(run, stepInterval: 1, name: "whole");
        RunDirectory broken = temporary.Record(run, stepInterval: 1, name: "broken");
        File.AppendAllText(broken.MetricsPath, "{\"kind\":\"epo");
        File.AppendAllText(broken.EventsPath, "{\"time");
        File.AppendAllText(broken.DecisionsPath, "{\"digest");

        using (RunRecorder recorder = RunRecorder.Resume(broken, checkpoint, stepInterval: 1))
        {
            Assert.False(File.Exists(broken.SummaryPath));
            RunRecord truncated = RunRecord.Load(broken);
            Assert.Equal(checkpoint, truncated.Epochs.Length);
            Assert.Equal(checkpoint * run.StepsPerEpoch, truncated.Steps.Length);
            Assert.All(truncated.Events, e => Assert.True(e.Step <= checkpoint * run.StepsPerEpoch));
            run.Play(new From(recorder, checkpoint, run.StepsPerEpoch));
        }

        Assert.Equal(File.ReadAllText(whole.MetricsPath), File.ReadAllText(broken.MetricsPath));
        Assert.Equal(File.ReadAllText(whole.EventsPath), File.ReadAllText(broken.EventsPath));
        Assert.Equal(File.ReadAllText(whole.DecisionsPath), File.ReadAllText(broken.DecisionsPath));
        Assert.Equal(File.ReadAllText(whole.SummaryPath), File.ReadAllText(broken.SummaryPath));
    }

    [Fact]
    public void Events_in_the_middle_of_the_epoch_under_way_are_dropped()
    {
        using TemporaryDirectory temporary = new();
        SampleRun run = new();
        RunDirectory directory = temporary.Record(run);
        // Such an event counts as many completed epochs as the checkpoint does; only its step tells it apart.
        LifecycleEvent later = RunRecord.Load(directory).Events.First(e => e.Step % run.StepsPerEpoch != 0);
        RunRecorder.Resume(directory, later.Epoch).Dispose();
        Assert.DoesNotContain(RunRecord.Load(directory).Events, e => e.Step >= later.Step);
    }

    [Fact]
    public void A_checkpoint_that_the_metrics_do_not_reach_is_refused_and_nothing_changes()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 3 });
        string before = File.ReadAllText(directory.MetricsPath);
        EsperException error = Assert.Throws<EsperException>(() => RunRecorder.Resume(directory, 4));
        Assert.Contains("has no epoch 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("earlier checkpoint", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(directory.MetricsPath));
        Assert.True(File.Exists(directory.SummaryPath));
    }

    [Fact]
    public void A_loss_that_is_no_number_is_refused_by_name()
    {
        using TemporaryDirectory temporary = new();
        using RunRecorder recorder = new(RunDirectory.Create(temporary["run"]), stepInterval: 1);
        EsperException error = Assert.Throws<EsperException>(
            () => recorder.OnStep(new StepReport(1, 1, 10, 1, double.NaN, 0.1, 0.02)));
        Assert.Contains("metrics.jsonl: field 'loss' is NaN", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_summary_that_fails_leaves_the_old_one_and_no_rest()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        RunSummary summary = RunRecord.Load(directory).Summary!;
        string before = File.ReadAllText(directory.SummaryPath);
        using RunRecorder recorder = RunRecorder.Resume(directory, 2);
        recorder.OnFinished(summary);
        Assert.Throws<EsperException>(() => recorder.OnFinished(summary with { LossFinal = double.PositiveInfinity }));
        Assert.Equal(before, File.ReadAllText(directory.SummaryPath));
        Assert.Empty(Directory.GetFiles(directory.Root, "*.tmp"));
    }

    [Fact]
    public void A_file_is_replaced_whole_or_not_at_all()
    {
        using TemporaryDirectory temporary = new();
        AtomicFile.WriteText(temporary["x"], "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(temporary["x"], stream =>
        {
            stream.Write("half"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(temporary["x"]));
        Assert.Equal([temporary["x"]], Directory.GetFiles(temporary.Path));
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, EsperJson.Compact);

    /// <summary>Passes on what a run resumed after an epoch tells.</summary>
    private sealed class From(IRunObserver inner, int epochs, int stepsPerEpoch) : IRunObserver
    {
        public void OnStarted(RunInfo info) => inner.OnStarted(info with { FirstEpoch = epochs + 1 });

        public void OnStep(in StepReport report)
        {
            if (report.Epoch > epochs)
            {
                inner.OnStep(report);
            }
        }

        public void OnLifecycle(LifecycleEvent change)
        {
            if (change.Step > epochs * stepsPerEpoch)
            {
                inner.OnLifecycle(change);
            }
        }

        public void OnDecision(DecisionReport report)
        {
            if (report.State.Epoch > epochs)
            {
                inner.OnDecision(report);
            }
        }

        public void OnEpoch(EpochReport report)
        {
            if (report.Epoch > epochs)
            {
                inner.OnEpoch(report);
            }
        }

        public void OnFinished(RunSummary summary) => inner.OnFinished(summary);
    }
}

using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Graph;
using Esper.Graph.Onnx;
using Esper.Kasmina.Execution;
using Esper.Nissa;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria;

/// <summary>Trains and grows a host from a configuration, with a run directory that can be resumed.</summary>
public static class Trainer
{
    /// <summary>The configuration that a run was started with.</summary>
    /// <exception cref="EsperException">There is no run in the directory, or its configuration is damaged.</exception>
    public static RunConfig ConfigOf(string runDirectory) => ConfigFile.Read(RunDirectory.Open(runDirectory).ConfigPath);

    /// <summary>Runs to the end, or until cancelled; then a checkpoint has been written and the run can be resumed.</summary>
    /// <param name="request">What to train.</param>
    /// <param name="observer">Watches the run.</param>
    /// <param name="clock">Time stamps and durations.</param>
    /// <param name="cancellation">Stops the run after the step in flight.</param>
    /// <returns>The summary that also lies in the run directory.</returns>
    /// <exception cref="EsperException">The configuration, the data or the machine does not allow the run.</exception>
    public static RunSummary Train(
        TrainRequest request, IRunObserver observer, TimeProvider clock, CancellationToken cancellation) =>
        Train(request, observer, clock, faults: null, cancellation);

    /// <summary>The same with faults on purpose, for tests.</summary>
    internal static RunSummary Train(
        TrainRequest request, IRunObserver observer, TimeProvider clock, IFaultInjector? faults, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(clock);
        bool resuming = request.ResumeDirectory is not null;
        string runId = RunId(request.Config, clock.GetUtcNow());
        string path = request.ResumeDirectory ?? request.OutputDirectory ?? Path.Combine("runs", runId);
        using Workbench bench = Workbench.Open(request.Config, cancellation);
        RunDirectory directory = RunDirectory.Create(path, resuming);
        using RunLock held = directory.Lock();
        CheckpointStore checkpoints = new(directory.CheckpointsPath, bench.Config.Telemetry.CheckpointsKept);
        string? checkpoint = resuming ? checkpoints.Newest() : null;
        Checkpoint? saved = checkpoint is null ? null : CheckpointStore.Read(checkpoint);
        int done = saved?.State.EpochsDone ?? 0;
        File.WriteAllText(directory.ConfigPath, ConfigFile.Write(bench.Config));

        int interval = bench.Config.Telemetry.LossEverySteps;
        using RunRecorder recorder = resuming
            ? RunRecorder.Resume(directory, done, interval)
            : new RunRecorder(directory, interval);
        CompositeObserver observers = new(recorder, observer);
        using RunControl control = new(bench.Config, request.PolicyHost, saved?.State.RunId ?? runId, observers, clock);
        using TrainingLoop loop = new(bench, control, observers, clock, checkpoints, runId, faults);
        if (saved is not null)
        {
            loop.Restore(saved);
        }

        observers.OnStarted(Describe(bench, control.PolicyName, loop.State.RunId, done, directory));
        loop.Begin(restored: saved is not null);
        bool completed = loop.Run(cancellation);
        RunSummary summary = Summarize(bench, control.PolicyName, loop, completed, directory);
        observers.OnFinished(summary);
        RunReport.WriteTo(RunRecord.Load(directory), directory.ReportPath);
        return summary;
    }

    private static string RunId(RunConfig config, DateTimeOffset now)
    {
        string host = (OnnxHost.Names(config.Host) ? Path.GetFileNameWithoutExtension(config.Host) : config.Host).Replace(':', '_');
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{host}-{config.Dataset}-{config.Policy.Kind}-s{config.Seed}-{now:yyyyMMdd-HHmmss}");
    }

    private static RunInfo Describe(Workbench bench, string policy, string runId, int done, RunDirectory directory) => new(
        runId,
        bench.Preset.Name,
        bench.Config.Dataset,
        policy,
        bench.Config.Device,
        bench.Threads,
        bench.Config.Seed,
        bench.Config.Epochs,
        done + 1,
        bench.StepsPerEpoch,
        bench.Config.Batch,
        bench.Data.Train.ExamplesPerEpoch,
        bench.Data.Validation.ExamplesPerEpoch,
        bench.Data.Test.ExamplesPerEpoch,
        bench.HostCost.Parameters,
        bench.HostCost.ForwardFlops,
        [.. bench.Wrapped.Sites.Select(site => new SiteInfo(
            site.Index,
            site.ValueName,
            site.Channels,
            [.. Enumerable.Range(0, site.Seeds).Select(seed => site.Chunk(seed).Count)]))],
        directory.Root);

    private static RunSummary Summarize(
        Workbench bench, string policy, TrainingLoop loop, bool completed, RunDirectory directory)
    {
        // The test set is read here and nowhere else, after the last decision.
        Evaluation? test = completed
            ? Evaluation.Of(
                bench.Session, BatchTensors.Stream(bench.Data.Test, 0, CancellationToken.None), CancellationToken.None)
            : null;
        ImmutableArray<LatticeSite> sites = bench.Wrapped.Sites;
        return new RunSummary(
            loop.State.RunId,
            completed ? RunOutcome.Completed : RunOutcome.Interrupted,
            bench.Preset.Name,
            bench.Config.Dataset,
            policy,
            bench.Config.Seed,
            bench.Threads,
            loop.State.EpochsDone,
            bench.HostCost.Parameters,
            bench.HostCost.Parameters + loop.Lifecycle.TotalCost.Parameters,
            test?.Accuracy,
            test?.Loss,
            [.. loop.State.History.Select(epoch => epoch.ValidationAccuracy)],
            [.. loop.State.History.Select(epoch => epoch.TrainLoss)],
            loop.State.TrainFlops,
            loop.StepMillisecondsMedian,
            loop.Seconds,
            SessionTensors.Digest(bench.Session),
            directory.Root,
            [.. loop.Lifecycle.Reports().Select(seed => Summarize(seed, sites))],
            loop.State.OverheadFlops,
            loop.State.Governor.Faults.Length);
    }

    private static SeedSummary Summarize(SeedReport seed, ImmutableArray<LatticeSite> sites) => new(
        sites[seed.Seed.Site].ValueName,
        seed.Seed.Seed,
        seed.Blueprint,
        seed.Stage.ToString(),
        seed.Alpha,
        seed.Gain,
        seed.GainInterval,
        seed.Parameters);
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Data;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Optimization;

namespace Esper.Tolaria.Training;

/// <summary>Trains: steps, epoch boundaries, checkpoints. Stops after the step in flight when asked to.</summary>
internal sealed class TrainingLoop : IDisposable
{
    /// <summary>Consecutive steps without finite gradients after which a run is given up.</summary>
    private const int LongestFault = 10;

    private readonly Workbench _bench;
    private readonly IRunObserver _observer;
    private readonly TimeProvider _clock;
    private readonly CheckpointStore _checkpoints;
    private readonly LearningRateSchedule _schedule;
    private readonly SeedLifecycle _lifecycle;
    private readonly EpochBoundary _boundary;
    private readonly RunControl _control;
    private readonly List<double> _stepMilliseconds = [];
    private readonly long _started;
    private RunState _state;
    private long _epochStarted;
    private long _waitBefore;

    /// <summary>Prepares a run that has not started.</summary>
    public TrainingLoop(
        Workbench bench, RunControl control, IRunObserver observer, TimeProvider clock, CheckpointStore checkpoints, string runId)
    {
        _bench = bench;
        _observer = observer;
        _clock = clock;
        _checkpoints = checkpoints;
        _schedule = new LearningRateSchedule(
            bench.Config.Schedule, bench.Config.Optimizer.LearningRate!.Value, bench.TotalSteps);
        _control = control;
        DecisionScribe scribe = new(observer);
        _lifecycle = bench.CreateLifecycle(clock, scribe.OnLifecycle, control.Veto);
        _boundary = new EpochBoundary(bench, _lifecycle, control, scribe);
        _started = clock.GetTimestamp();
        _state = new RunState(runId, 0, 0, EpochProgress.Empty, 0, 0, [], [], 0, []);
    }

    /// <summary>Where the run stands.</summary>
    public RunState State => _state;

    /// <summary>The lattice.</summary>
    public SeedLifecycle Lifecycle => _lifecycle;

    /// <summary>Median over the epochs of the median duration of a step, in milliseconds; null before the first step.</summary>
    public double? StepMillisecondsMedian => _state.StepMilliseconds.IsEmpty
        ? Median.OfAny(_stepMilliseconds)
        : Median.OfAny(_state.StepMilliseconds);

    /// <summary>Wall-clock over all sittings, in seconds.</summary>
    public double Seconds { get; private set; }

    private double SittingSeconds => _clock.GetElapsedTime(_started).TotalSeconds;

    public void Dispose() => _lifecycle.Dispose();

    /// <summary>Puts the run where a checkpoint left it.</summary>
    public void Restore(Checkpoint checkpoint)
    {
        checkpoint.LoadInto(_bench.Session, _lifecycle);
        _control.Restore(checkpoint.State.Control);
        _state = checkpoint.State;
    }

    /// <summary>
    /// Gives a run its beginning, after the observers have heard of it: parameters of an earlier run, and modules that are there from
    /// the start. A restored run has them; the record of one that has no epoch yet starts over and hears of them again.
    /// </summary>
    public void Begin(bool restored)
    {
        if (restored)
        {
            _lifecycle.ReportInitial(_state.EpochsDone == 0 ? _bench.InitialModules : []);
            return;
        }

        if (_bench.Config.StartFrom is { } source)
        {
            StartingPoint.Load(source, _bench.Session, _lifecycle);
        }

        _lifecycle.AttachInitial(_bench.InitialModules);
    }

    /// <summary>Trains to the last epoch, or until cancelled.</summary>
    /// <returns>Whether all epochs are done.</returns>
    public bool Run(CancellationToken cancellation)
    {
        double before = _state.Seconds;
        try
        {
            while (_state.EpochsDone < _bench.Config.Epochs)
            {
                if (!TrainEpoch(cancellation))
                {
                    WriteCheckpoint(before);
                    return false;
                }

                EndEpoch(before);
            }

            return true;
        }
        finally
        {
            Seconds = before + SittingSeconds;
        }
    }

    private bool TrainEpoch(CancellationToken cancellation)
    {
        IBatchLoader loader = _bench.Data.Train;
        _stepMilliseconds.Clear();
        _epochStarted = _clock.GetTimestamp();
        _waitBefore = loader.WaitNanoseconds;
        loader.StartEpoch(_state.EpochsDone, _state.Progress.Steps);
        while (_state.Progress.Steps < _bench.StepsPerEpoch && _state.Step < _bench.TotalSteps)
        {
            if (cancellation.IsCancellationRequested)
            {
                return false;
            }

            // Not cancelled while waiting: the loader is always about to deliver.
            if (!loader.TryNext(out Batch? batch, CancellationToken.None))
            {
                throw new InvalidOperationException($"The loader ended after {_state.Progress.Steps} of {_bench.StepsPerEpoch} batches.");
            }

            Step(BatchTensors.Of(batch), batch.Count);
        }

        return true;
    }

    private void Step(HostTensor[] inputs, int examples)
    {
        _lifecycle.SetTime(_state.EpochsDone, _state.Step);
        long start = _clock.GetTimestamp();
        _lifecycle.BeginStep();
        int every = _bench.Config.Telemetry.SeedEverySteps;
        bool telemetry = every > 0 && _state.Step % every == 0 && HasLearners();
        float rate = (float)_schedule.At(_state.Step);
        StepResult result = _bench.Session.TrainStep(inputs, rate, (float)_bench.Config.Optimizer.ClipNorm!.Value, telemetry);
        double milliseconds = _clock.GetElapsedTime(start).TotalMilliseconds;
        _stepMilliseconds.Add(milliseconds);
        if (!result.Finite)
        {
            Fault(result);
        }

        if (telemetry)
        {
            foreach (Graph.LatticeSite site in _bench.Wrapped.Sites)
            {
                _lifecycle.Observe(site.Index, _bench.Session.ReadTelemetry(site.Index));
            }
        }

        Advance(result, examples);
        if (!result.Finite)
        {
            // There is no loss to report; the lifecycle's events say what was done about it.
            return;
        }

        _observer.OnStep(new StepReport(
            _state.EpochsDone + 1,
            _state.Progress.Steps,
            _bench.StepsPerEpoch,
            _state.Step,
            result.Loss,
            rate,
            milliseconds / 1000));
    }

    private bool HasLearners() => _lifecycle.Any(
        SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized);

    /// <summary>The step was not taken. Live seeds are the first suspects; without any, or after many faults, the run ends.</summary>
    private void Fault(StepResult result)
    {
        int culled = _lifecycle.CullAllLive("fault handler", $"loss {result.Loss} or its gradients are not finite");
        if (_state.SkippedSteps + 1 >= LongestFault || (culled == 0 && _state.Step == 0))
        {
            throw new EsperException(
                $"Step {_state.Step + 1}: loss {result.Loss} or its gradients are not finite, for {_state.SkippedSteps + 1} steps in a "
                + "row with no seed to blame. The parameters are as before those steps. Lower --lr, or set optimizer.clip_norm.");
        }
    }

    private void Advance(StepResult result, int examples)
    {
        EpochProgress progress = _state.Progress;
        progress = result.Finite
            ? new EpochProgress(
                progress.Steps + 1,
                progress.LossSum + (result.Loss * result.Examples),
                progress.Examples + result.Examples,
                progress.Correct + (result.Correct ?? throw new InvalidOperationException("The host graph names no logits.")))
            : progress with { Steps = progress.Steps + 1 };

        // Forward once, backward twice that, for host and modules alike; modules in Training count in full too, since
        // their backward pass recomputes the forward one.
        double flops = 3.0 * examples * (_bench.HostCost.ForwardFlops + _lifecycle.TotalCost.Flops);
        _state = _state with
        {
            Step = _state.Step + 1,
            Progress = progress,
            TrainFlops = _state.TrainFlops + flops,
            SkippedSteps = result.Finite ? 0 : _state.SkippedSteps + 1,
        };
    }

    /// <summary>
    /// Takes the run across an epoch boundary. Never cancelled: it is short, and half a boundary could not be resumed.
    /// </summary>
    private void EndEpoch(double secondsBefore)
    {
        EpochProgress progress = _state.Progress;
        if (progress.Examples == 0)
        {
            throw new EsperException("No step of this epoch had finite gradients. Lower --lr, or set optimizer.clip_norm.");
        }

        int epoch = _state.EpochsDone + 1;
        Evaluation validation = _boundary.Validate(CancellationToken.None);
        double trainLoss = progress.LossSum / progress.Examples;
        double trainAccuracy = (double)progress.Correct / progress.Examples;
        ImmutableArray<EpochObservation> history =
            _state.History.Add(new EpochObservation(epoch, trainLoss, trainAccuracy, validation.Loss, validation.Accuracy));
        _lifecycle.SetTime(epoch, _state.Step);
        (_boundary.Step, _boundary.StepMilliseconds) = (_state.Step, Median.OfAny(_stepMilliseconds));
        ImmutableArray<SeedReport> measured = _lifecycle.Reports();
        _boundary.Cross(history, validation, epoch == _bench.Config.Epochs, CancellationToken.None);
        ImmutableArray<SeedReport> seeds = WithTelemetry(_lifecycle.Reports(), measured);
        _lifecycle.ClearTelemetry();

        double median = Median.OfAny(_stepMilliseconds) ?? throw new InvalidOperationException("An epoch without steps has ended.");
        _state = _state with
        {
            EpochsDone = epoch,
            Progress = EpochProgress.Empty,
            TrainFlops = _state.TrainFlops + _boundary.ExtraFlops,
            History = history,
            StepMilliseconds = _state.StepMilliseconds.Add(median),
        };
        _observer.OnEpoch(new EpochReport(
            epoch,
            _state.Step,
            trainLoss,
            trainAccuracy,
            validation.Loss,
            validation.Accuracy,
            _schedule.At(_state.Step - 1),
            _bench.HostCost.Parameters + _lifecycle.TotalCost.Parameters,
            _state.TrainFlops,
            median,
            (_bench.Data.Train.WaitNanoseconds - _waitBefore) / 1e6,
            _clock.GetElapsedTime(_epochStarted).TotalSeconds,
            seeds));
        if (epoch % _bench.Config.Telemetry.CheckpointEveryEpochs == 0 || epoch == _bench.Config.Epochs)
        {
            WriteCheckpoint(secondsBefore);
        }
    }

    /// <summary>
    /// The seeds as they stand after the boundary, with the telemetry of the epoch before it: a seed that was culled has none any
    /// more, but what was seen of it is what the decision rested on.
    /// </summary>
    private static ImmutableArray<SeedReport> WithTelemetry(ImmutableArray<SeedReport> after, ImmutableArray<SeedReport> before) =>
    [
        .. after.Zip(before, (now, then) => now with
        {
            ActivationRatio = then.ActivationRatio,
            GradientRatio = then.GradientRatio,
            Alignment = then.Alignment,
            DeadFraction = then.DeadFraction,
        }),
    ];

    private void WriteCheckpoint(double secondsBefore)
    {
        _state = _state with { Seconds = secondsBefore + SittingSeconds, Seeds = _lifecycle.Save(), Control = _control.Save() };
        _checkpoints.Write(_bench.Session, _state);
    }
}

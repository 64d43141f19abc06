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
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Optimization;

namespace Esper.Tolaria.Training;

/// <summary>
/// Trains: steps, epoch boundaries, checkpoints, and rollbacks where the governor finds a fault. Stops after the step in flight when
/// asked to.
/// </summary>
internal sealed partial class TrainingLoop : IDisposable
{
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
    private readonly Governor _governor;
    private readonly RunPoints _points;
    private readonly IFaultInjector? _faults;
    private readonly StepLog _stepLog = new();
    private RunState _state;
    private double _secondsBefore;
    private long _epochStarted;
    private long _waitBefore;

    /// <summary>Prepares a run that has not started.</summary>
    public TrainingLoop(
        Workbench bench,
        RunControl control,
        IRunObserver observer,
        TimeProvider clock,
        CheckpointStore checkpoints,
        string runId,
        IFaultInjector? faults = null)
    {
        _faults = faults;
        _bench = bench;
        _observer = observer;
        _clock = clock;
        _checkpoints = checkpoints;
        _schedule = new LearningRateSchedule(
            bench.Config.Schedule, bench.Config.Optimizer.LearningRate!.Value, bench.TotalSteps);
        _control = control;
        DecisionScribe scribe = new(observer);
        _lifecycle = bench.CreateLifecycle(clock, scribe.OnLifecycle, control.Veto);
        _boundary = new EpochBoundary(bench, _lifecycle, control, scribe, new SeedForks(bench, _lifecycle, _schedule));
        _governor = new Governor(bench.Config.Governor, bench.Classes, _schedule.WarmupSteps);
        GovernorConfig limits = bench.Config.Governor;
        _points = new RunPoints(limits.ProbationSteps, limits.SnapshotsKept, limits.LossPatience + 1);
        _started = clock.GetTimestamp();
        _state = new RunState(runId, 0, 0, EpochProgress.Empty, 0, 0, [], [], [], GovernorState.Empty, 0);
        control.Veto.Watch = () => _governor.Watch(_state.Step);
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

    /// <summary>Whether no step may follow: all steps are taken, or all operations spent.</summary>
    private bool IsSpent => _bench.Config.TrainFlops is null
        ? _state.Step >= _bench.TotalSteps
        : _bench.Length.IsSpent(_state.TrainFlops);

    private bool IsOver => _bench.Config.TrainFlops is null
        ? _state.EpochsDone >= _bench.Config.Epochs
        : IsSpent && _state.Progress.Steps == 0;

    private long ScheduleStep => _bench.Length.ScheduleStep(_state.Step, _state.TrainFlops, _bench.TotalSteps);

    private double SittingSeconds => _clock.GetElapsedTime(_started).TotalSeconds;

    public void Dispose()
    {
        _points.Dispose();
        _lifecycle.Dispose();
    }

    /// <summary>Puts the run where a checkpoint left it.</summary>
    public void Restore(Checkpoint checkpoint)
    {
        checkpoint.LoadInto(_bench.Session, _lifecycle);
        _control.Restore(checkpoint.State.Control);
        _state = checkpoint.State;
        _governor.Load(_state.Governor);
        _stepLog.Load(_state.RecentSteps);
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

        // What choosing the sites took is part of what the run costs.
        _state = _state with
        {
            TrainFlops = _state.TrainFlops + _bench.MeasuringFlops,
            OverheadFlops = _state.OverheadFlops + _bench.MeasuringFlops,
        };
        _lifecycle.AttachInitial(_bench.InitialModules);
    }

    /// <summary>Trains to the last epoch, or until cancelled.</summary>
    /// <returns>Whether all epochs are done.</returns>
    public bool Run(CancellationToken cancellation)
    {
        _secondsBefore = _state.Seconds;
        try
        {
            while (!IsOver)
            {
                if (!TrainEpoch(cancellation))
                {
                    WriteCheckpoint();
                    return false;
                }

                EndEpoch();
            }

            return true;
        }
        finally
        {
            Seconds = _secondsBefore + SittingSeconds;
        }
    }

    private bool TrainEpoch(CancellationToken cancellation)
    {
        IBatchLoader loader = _bench.Data.Train;
        _stepMilliseconds.Clear();
        _epochStarted = _clock.GetTimestamp();
        _waitBefore = loader.WaitNanoseconds;
        loader.StartEpoch(_state.EpochsDone, _state.Progress.Steps);
        while (_state.Progress.Steps < _bench.StepsPerEpoch && !IsSpent)
        {
            if (cancellation.IsCancellationRequested)
            {
                return false;
            }

            KeepPoint();

            // Not cancelled while waiting: the loader is always about to deliver.
            if (!loader.TryNext(out Batch? batch, CancellationToken.None))
            {
                throw new InvalidOperationException($"The loader ended after {_state.Progress.Steps} of {_bench.StepsPerEpoch} batches.");
            }

            if (_governor.Skips(_state.Step))
            {
                Advance(null, 0);
            }
            else if (Step(BatchTensors.Of(batch), batch.Count) is { } fault)
            {
                RollBack(fault, fault.Acquits);
                loader.StartEpoch(_state.EpochsDone, _state.Progress.Steps);
            }
        }

        return true;
    }

    private GovernorFault? Step(HostTensor[] inputs, int examples)
    {
        _lifecycle.SetTime(_state.EpochsDone, _state.Step);
        HostTensor[] used = _faults?.BeforeStep(_state.Step, _bench.Session, inputs) ?? inputs;
        long start = _clock.GetTimestamp();
        _lifecycle.BeginStep();
        int every = _bench.Config.Telemetry.SeedEverySteps;
        bool telemetry = every > 0 && _state.Step % every == 0 && HasLearners();
        float rate = (float)(_schedule.At(ScheduleStep) * _governor.RateScale);
        StepResult result = _bench.Session.TrainStep(used, rate, (float)_bench.Config.Optimizer.ClipNorm!.Value, telemetry);
        double milliseconds = _clock.GetElapsedTime(start).TotalMilliseconds;
        _stepMilliseconds.Add(milliseconds);
        GovernorFault? fault = _governor.Judge(_state.Step, result);
        Advance(result, examples);
        if (fault is not null)
        {
            return fault with { Acquits = Acquits(fault, used) };
        }

        _stepLog.Add(new StepObservation(result.Loss, (double)result.Correct!.Value / result.Examples, result.GradientNorm!.Value));
        if (telemetry)
        {
            foreach (Graph.LatticeSite site in _bench.Wrapped.Sites)
            {
                _lifecycle.Observe(site.Index, _bench.Session.ReadTelemetry(site.Index));
            }
        }

        _observer.OnStep(new StepReport(
            _state.EpochsDone + 1,
            _state.Progress.Steps,
            _bench.StepsPerEpoch,
            _state.Step,
            result.Loss,
            rate,
            milliseconds / 1000));
        return null;
    }

    private bool HasLearners() => _lifecycle.Any(
        SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized);

    /// <summary>Goes on to the next batch; <paramref name="result"/> is null where this one was left out.</summary>
    private void Advance(StepResult? result, int examples)
    {
        EpochProgress progress = _state.Progress;
        progress = result is { Finite: true } step
            ? new EpochProgress(
                progress.Steps + 1,
                progress.LossSum + (step.Loss * step.Examples),
                progress.Examples + step.Examples,
                progress.Correct + (step.Correct ?? throw new InvalidOperationException("The host graph names no logits.")))
            : progress with { Steps = progress.Steps + 1 };

        // Forward once, backward twice that, for host and modules alike; modules in Training count in full too, since
        // their backward pass recomputes the forward one.
        _state = _state with { Step = _state.Step + 1, Progress = progress, TrainFlops = _state.TrainFlops + StepFlops(examples) };
    }

    private double StepFlops(int examples) => 3.0 * examples * (_bench.HostCost.ForwardFlops + _lifecycle.TotalCost.Flops);

    /// <summary>
    /// Takes the run across an epoch boundary. Never cancelled: it is short, and half a boundary could not be resumed.
    /// </summary>
    private void EndEpoch()
    {
        EpochProgress progress = _state.Progress;
        if (progress.Examples == 0)
        {
            throw new EsperException("No step of this epoch was sound. Lower --lr, or set optimizer.clip_norm.");
        }

        int epoch = _state.EpochsDone + 1;
        _faults?.BeforeValidation(_state.Step, _bench.Session);
        Evaluation validation = _boundary.Validate(CancellationToken.None);
        long epochStart = _state.Step - progress.Steps;
        if (_governor.Judge(_state.History, validation.Loss, validation.Accuracy, epochStart, _state.Step) is { } fault)
        {
            RollBack(fault, acquitted: false);
            return;
        }

        double trainLoss = progress.LossSum / progress.Examples;
        double trainAccuracy = (double)progress.Correct / progress.Examples;
        ImmutableArray<EpochObservation> history =
            _state.History.Add(new EpochObservation(epoch, trainLoss, trainAccuracy, validation.Loss, validation.Accuracy));
        _lifecycle.SetTime(epoch, _state.Step);
        (_boundary.Step, _boundary.StepMilliseconds) = (_state.Step, Median.OfAny(_stepMilliseconds));
        _boundary.ScheduleStep = ScheduleStep;
        _boundary.Steps = _stepLog.Windows();
        ImmutableArray<SeedReport> measured = _lifecycle.Reports();
        bool last = _bench.Config.TrainFlops is null
            ? epoch == _bench.Config.Epochs
            : _bench.Length.IsSpent(_state.TrainFlops + StepFlops(_bench.Config.Batch));
        _boundary.TotalEpochs = Math.Max(epoch, _bench.Length.TotalEpochs(
            epoch, _state.TrainFlops, StepFlops(_bench.Config.Batch) * _bench.StepsPerEpoch, _bench.Config.Epochs));
        _boundary.Cross(history, validation, last, CancellationToken.None);
        if (_control.TakeRollBack() is { } wish)
        {
            _state = _state with { TrainFlops = _state.TrainFlops + _boundary.ExtraFlops };
            RollBack(new GovernorFault(RollbackCause.Risk, epochStart, _state.Step, wish), acquitted: false);
            return;
        }

        ImmutableArray<SeedReport> seeds = WithTelemetry(_lifecycle.Reports(), measured);
        _lifecycle.ClearTelemetry();

        double median = Median.OfAny(_stepMilliseconds) ?? throw new InvalidOperationException("An epoch without steps has ended.");
        _state = _state with
        {
            EpochsDone = epoch,
            Progress = EpochProgress.Empty,
            TrainFlops = _state.TrainFlops + _boundary.ExtraFlops,
            OverheadFlops = _state.OverheadFlops + _boundary.ExtraFlops,
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
            _schedule.At(Math.Max(0, _boundary.ScheduleStep - 1)) * _governor.RateScale,
            _bench.HostCost.Parameters + _lifecycle.TotalCost.Parameters,
            _state.TrainFlops,
            median,
            (_bench.Data.Train.WaitNanoseconds - _waitBefore) / 1e6,
            _clock.GetElapsedTime(_epochStarted).TotalSeconds,
            seeds));
        if (epoch % _bench.Config.Telemetry.CheckpointEveryEpochs == 0 || IsOver)
        {
            WriteCheckpoint();
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

    private void WriteCheckpoint()
    {
        _state = _state with
        {
            Seconds = _secondsBefore + SittingSeconds,
            Seeds = _lifecycle.Save(),
            Governor = _governor.State,
            Control = _control.Save(),
            RecentSteps = _stepLog.Save(),
        };
        _checkpoints.Write(_bench.Session, _state);
    }
}

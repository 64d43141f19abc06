using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Cli.Display;

/// <summary>What a display knows of a run: the last of everything that an observer was told.</summary>
internal sealed class RunProgress
{
    private const int ShownEvents = 5;
    private static readonly TimeSpan RateWindow = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _clock;
    private readonly Dictionary<SeedId, (SeedStage Stage, double Alpha)> _seeds = [];
    private readonly Queue<LifecycleEvent> _events = new();
    private readonly Queue<(long Time, long Step)> _window = new();
    private readonly List<double> _accuracy = [];
    private readonly long _start;
    private readonly long _firstStep;

    public RunProgress(RunInfo info, TimeProvider clock)
    {
        Info = info;
        _clock = clock;
        _start = clock.GetTimestamp();
        _firstStep = (info.FirstEpoch - 1) * (long)info.StepsPerEpoch;
        _window.Enqueue((_start, _firstStep));
    }

    public RunInfo Info { get; }

    /// <summary>The last step; null before the first.</summary>
    public StepReport? Step { get; private set; }

    /// <summary>The last epoch; null before the first.</summary>
    public EpochReport? Epoch { get; private set; }

    /// <summary>Best validation accuracy of this sitting and its epoch; null before the first epoch.</summary>
    public (double Accuracy, int Epoch)? Best { get; private set; }

    /// <summary>Validation accuracy after each epoch of this sitting.</summary>
    public IReadOnlyList<double> Accuracy => _accuracy;

    /// <summary>The last events, oldest first.</summary>
    public IEnumerable<LifecycleEvent> Events => _events;

    /// <summary>Share of the run that is done, in [0, 1].</summary>
    public double Done => TotalSteps == 0 ? 0 : (double)StepsDone / TotalSteps;

    /// <summary>Share of the epoch that is done, in [0, 1].</summary>
    public double EpochDone => Step is { } step ? (double)step.StepInEpoch / step.StepsPerEpoch : 0;

    /// <summary>Time since the start of this sitting.</summary>
    public TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    /// <summary>
    /// Steps a second over the last ten seconds, pauses for evaluation included; null before the first step.
    /// </summary>
    public double? StepsPerSecond
    {
        get
        {
            (long time, long step) = _window.Peek();
            double seconds = _clock.GetElapsedTime(time).TotalSeconds;
            return StepsDone > step && seconds > 0 ? (StepsDone - step) / seconds : null;
        }
    }

    /// <summary>Time to the end at the mean rate of this sitting; null before the first step.</summary>
    public TimeSpan? Remaining
    {
        get
        {
            long steps = StepsDone - _firstStep;
            return steps > 0 ? Elapsed * ((TotalSteps - StepsDone) / (double)steps) : null;
        }
    }

    private long TotalSteps => Info.Epochs * (long)Info.StepsPerEpoch;

    private long StepsDone => Step?.Step ?? _firstStep;

    /// <summary>Stage and alpha of a seed.</summary>
    public (SeedStage Stage, double Alpha) Seed(SeedId seed) => _seeds.GetValueOrDefault(seed);

    public void Add(in StepReport report)
    {
        Step = report;
        long now = _clock.GetTimestamp();
        // One entry a tenth of the window bounds the queue, whatever the step rate.
        if (_clock.GetElapsedTime(_window.Last().Time, now) >= RateWindow / 10)
        {
            _window.Enqueue((now, report.Step));
            while (_window.Count > 2 && _clock.GetElapsedTime(_window.Peek().Time, now) > RateWindow)
            {
                _window.Dequeue();
            }
        }
    }

    public void Add(LifecycleEvent change)
    {
        _seeds[change.Seed] = (change.To, change.To == SeedStage.Fossilized ? 1 : change.To.IsBlended()
            ? Seed(change.Seed).Alpha : 0);
        _events.Enqueue(change);
        if (_events.Count > ShownEvents)
        {
            _events.Dequeue();
        }
    }

    /// <summary>Forgets the epochs and events that a rollback made void.</summary>
    public void Add(RollbackReport report)
    {
        int kept = Math.Max(0, report.ToEpoch - Info.FirstEpoch + 1);
        if (_accuracy.Count > kept)
        {
            _accuracy.RemoveRange(kept, _accuracy.Count - kept);
            int best = _accuracy.Count == 0 ? -1 : _accuracy.IndexOf(_accuracy.Max());
            Best = best < 0 ? null : (_accuracy[best], Info.FirstEpoch + best);
            Epoch = null;
        }

        LifecycleEvent[] valid = [.. _events.Where(change => !report.Voids(change.Epoch, change.Step))];
        _events.Clear();
        foreach (LifecycleEvent change in valid)
        {
            _events.Enqueue(change);
        }
    }

    public void Add(EpochReport report)
    {
        Epoch = report;
        _accuracy.Add(report.ValidationAccuracy);
        if (Best is not { } best || report.ValidationAccuracy > best.Accuracy)
        {
            Best = (report.ValidationAccuracy, report.Epoch);
        }

        foreach (SeedReport seed in report.Seeds)
        {
            _seeds[seed.Seed] = (seed.Stage, seed.Alpha);
        }
    }
}

using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Training;

/// <summary>
/// Watches a run for faults: what is not finite, training losses beyond robust bounds, validation accuracy back at guessing. It judges and
/// remembers; taking the run back is the training loop's work.
/// </summary>
/// <param name="config">Bounds.</param>
/// <param name="classes">Classes that a label can have: guessing is right in one of so many cases.</param>
/// <param name="warmupSteps">First steps, in which losses are gathered and not judged.</param>
internal sealed class Governor(GovernorConfig config, int classes, long warmupSteps)
{
    /// <summary>Standard deviations of a normal distribution in a median absolute deviation.</summary>
    private const double DeviationOfMad = 1.4826;

    /// <summary>Accuracy above guessing that a model must have had before it can lose it.</summary>
    private const double LeastLead = 0.1;

    private readonly Queue<double> _losses = new();
    private GovernorState _state = GovernorState.Empty;
    private int _outOfBounds;

    /// <summary>Everything that a checkpoint must hold.</summary>
    public GovernorState State => _state with { Losses = [.. _losses], OutOfBounds = _outOfBounds };

    /// <summary>Factor on the learning rate.</summary>
    public double RateScale => _state.RateScale;

    /// <summary>Puts the governor where a checkpoint left it.</summary>
    public void Load(GovernorState state)
    {
        _state = state;
        _outOfBounds = state.OutOfBounds;
        _losses.Clear();
        foreach (double loss in state.Losses)
        {
            _losses.Enqueue(loss);
        }
    }

    /// <summary>Whether a step's batch is left out.</summary>
    public bool Skips(long step) => _state.SkippedSteps.Contains(step);

    /// <summary>Judges a training step.</summary>
    /// <param name="step">Steps done before it.</param>
    /// <param name="result">What it measured.</param>
    /// <returns>The fault, or null.</returns>
    public GovernorFault? Judge(long step, StepResult result)
    {
        if (!result.Finite)
        {
            return new GovernorFault(
                RollbackCause.NotFinite, step, step, Text($"step {step + 1}: loss {result.Loss:G6} or its gradients are not finite"));
        }

        if (step < warmupSteps || Bound() is not { } bound || result.Loss <= bound)
        {
            _outOfBounds = 0;
            Remember(result.Loss);
            return null;
        }

        _outOfBounds++;
        if (_outOfBounds < config.LossPatience)
        {
            return null;
        }

        // The batch before the first of them is the last one whose update may have done it.
        long first = Math.Max(0, step - _outOfBounds);
        return new GovernorFault(
            RollbackCause.LossOutOfBounds,
            first,
            step,
            Text($"step {step + 1}: loss {result.Loss:G6} is above {bound:G6} for {_outOfBounds} steps"));
    }

    /// <summary>Judges the validation at the end of an epoch.</summary>
    /// <param name="history">Epochs before it.</param>
    /// <param name="loss">Validation loss.</param>
    /// <param name="accuracy">Validation accuracy.</param>
    /// <param name="epochStart">Steps done at the validation before.</param>
    /// <param name="step">Steps done.</param>
    /// <returns>The fault, or null.</returns>
    public GovernorFault? Judge(
        ImmutableArray<EpochObservation> history, double loss, double accuracy, long epochStart, long step)
    {
        if (!double.IsFinite(loss))
        {
            return new GovernorFault(
                RollbackCause.Collapse, epochStart, step, Text($"epoch {history.Length + 1}: validation loss {loss:G6} is not finite"));
        }

        double guessing = 1.0 / classes;
        double best = history.IsEmpty ? 0 : history.Max(epoch => epoch.ValidationAccuracy);
        double floor = guessing + ((1 - config.CollapseShare) * (best - guessing));
        return config.CollapseShare > 0 && best >= guessing + LeastLead && accuracy <= floor
            ? new GovernorFault(
                RollbackCause.Collapse,
                epochStart,
                step,
                Text($"epoch {history.Length + 1}: validation accuracy {accuracy:P1} after {best:P1}, guessing gives {guessing:P1}"))
            : null;
    }

    /// <summary>Loss (nats) above which a step is out of bounds; null while too few steps were seen, or where losses are not judged.</summary>
    public double? Bound()
    {
        if (config.LossDeviations <= 0 || _losses.Count < Math.Max(4, config.LossWindow / 2))
        {
            return null;
        }

        double median = Median.OfAny(_losses)!.Value;
        double deviation = DeviationOfMad * Median.OfAny([.. _losses.Select(loss => Math.Abs(loss - median))])!.Value;
        return median + Math.Max(config.LossMargin, config.LossDeviations * deviation);
    }

    /// <summary>How sound the run is: what the risk engine holds changes back for.</summary>
    /// <param name="step">Steps done.</param>
    public FaultWatch Watch(long step) => new(
        _outOfBounds, _state.LastFault >= 0 ? Math.Max(0, step - _state.LastFault) : null, config.ProbationSteps);

    /// <summary>Whether a fault has come back before the run made progress beyond the last one.</summary>
    public bool Returned(GovernorFault fault) =>
        _state.LastFault >= 0 && fault.FirstStep <= _state.LastFault + config.ProbationSteps;

    /// <summary>Notes a fault that the run is taken back for.</summary>
    /// <param name="fault">The fault.</param>
    /// <param name="guilty">Arms of the seeds that are held responsible; empty if none is.</param>
    /// <param name="acquitted">Whether seeds were live, and it was not they.</param>
    /// <returns>What will be different, in one sentence.</returns>
    public string Note(GovernorFault fault, ImmutableArray<SeedArm> guilty, bool acquitted = false)
    {
        int returns = Returned(fault) ? _state.Returns + 1 : 0;
        bool batches = fault.Cause is RollbackCause.NotFinite or RollbackCause.LossOutOfBounds;
        bool skip = guilty.IsEmpty && returns == 0 && batches;
        double scale = guilty.IsEmpty && !skip ? _state.RateScale * config.RateBackoff : _state.RateScale;
        ImmutableArray<long> skipped = skip ? [.. Steps(fault.FirstStep, fault.Step)] : [];
        _state = _state with
        {
            Faults = _state.Faults.Add(fault.Reason),
            LastFault = fault.Step,
            Returns = returns,
            RateScale = scale,
            SkippedSteps = [.. _state.SkippedSteps.Union(skipped).Order()],
        };
        _outOfBounds = 0;
        string seeds = acquitted ? "the host alone fails as well, so that live seeds stay" : "no seed is live";
        return !guilty.IsEmpty ? $"live seeds are culled; quarantined: {string.Join(", ", guilty)}"
            : skip ? Text($"{seeds}; the batches of steps {fault.FirstStep + 1} to {fault.Step + 1} are left out")
            : Text($"{seeds}; the learning rate is scaled by {scale:G4} from here");
    }

    private static IEnumerable<long> Steps(long first, long last)
    {
        for (long step = first; step <= last; step++)
        {
            yield return step;
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private void Remember(double loss)
    {
        _losses.Enqueue(loss);
        if (_losses.Count > config.LossWindow)
        {
            _losses.Dequeue();
        }
    }
}

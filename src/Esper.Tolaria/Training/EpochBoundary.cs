using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Data;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Tolaria.Training;

/// <summary>
/// What happens between two epochs, in this order: validate; probe the gradient, if a gate or the policy needs it; let the lifecycle
/// take its own steps (gates G2 to G4); measure what holding seeds are worth; decide; carry out; check isolation and start training what has germinated
/// (gate G1). The risk engine is asked before each of these changes. A policy that does not decide in time decides nothing. Decisions see validation and training data only.
/// </summary>
internal sealed class EpochBoundary(
    Workbench bench, SeedLifecycle lifecycle, RunControl control, DecisionScribe scribe, SeedForks forks)
{
    /// <summary>Epochs whose mean validation loss G4 compares with.</summary>
    private const int ReferenceEpochs = 3;

    /// <summary>Probes and checks read training data in an order of their own, far from any epoch of training.</summary>
    private const int ProbeEpochs = 1 << 20;

    /// <summary>Operations that probes, checks, forks and measurements of gain took at this boundary.</summary>
    public double ExtraFlops { get; private set; }

    /// <summary>Steps done when the boundary is crossed.</summary>
    public long Step { get; set; }

    /// <summary>The step of the schedule that the run has come to.</summary>
    public long ScheduleStep { get; set; }

    /// <summary>Epochs that the run is going to have.</summary>
    public int TotalEpochs { get; set; }

    /// <summary>The last steps.</summary>
    public ImmutableArray<StepWindow> Steps { get; set; } = [];

    /// <summary>Median duration of the epoch's steps in milliseconds; null where none was taken in this sitting.</summary>
    public double? StepMilliseconds { get; set; }

    /// <summary>Validates the model.</summary>
    public Evaluation Validate(CancellationToken cancellation) =>
        Evaluation.Of(bench.Session, BatchTensors.Stream(bench.Data.Validation, 0, cancellation), cancellation);

    /// <summary>Goes through the boundary, or as far as the risk engine lets it before it asks for a roll-back.</summary>
    /// <param name="history">All epochs, the one that has just ended included.</param>
    /// <param name="validation">Its validation.</param>
    /// <param name="last">Whether no epoch follows: nothing new is started then.</param>
    /// <param name="cancellation">Stops between batches of the measurements.</param>
    public void Cross(
        ImmutableArray<EpochObservation> history, Evaluation validation, bool last, CancellationToken cancellation)
    {
        ExtraFlops = 0;
        if (bench.Wrapped.Sites.IsEmpty)
        {
            return;
        }

        int epoch = history[^1].Epoch;
        control.Observe(history, StepMilliseconds);
        Dictionary<SeedId, GrowthSignal> growth = lifecycle.Any(SeedStage.Training) ? Probe(epoch, cancellation) : [];
        lifecycle.EndEpoch(validation.Loss, Reference(history), growth, last);
        if (control.Veto.RollBack is not null)
        {
            return;
        }

        MeasureGains(epoch, cancellation);
        SystemState state = StateOf(history, growth);
        bool? probe = last || growth.Count > 0 ? false : control.NeedsProbe(state, Step);
        if (probe == true)
        {
            state = state with { Seeds = lifecycle.Observations(Probe(epoch, cancellation)) };
        }

        SystemStateRules.Require(state);
        if (probe is not null)
        {
            control.Decide(state, Step, lifecycle, scribe, germinate: !last);
        }

        if (control.Veto.RollBack is null && !last)
        {
            StartGerminated(epoch, cancellation);
        }
    }

    private static double? Reference(ImmutableArray<EpochObservation> history)
    {
        ReadOnlySpan<EpochObservation> before = history.AsSpan()[..^1];
        if (before.IsEmpty)
        {
            return null;
        }

        double sum = 0;
        ReadOnlySpan<EpochObservation> recent = before[^Math.Min(ReferenceEpochs, before.Length)..];
        foreach (EpochObservation epoch in recent)
        {
            sum += epoch.ValidationLoss;
        }

        return sum / recent.Length;
    }

    private SystemState StateOf(ImmutableArray<EpochObservation> history, Dictionary<SeedId, GrowthSignal> growth)
    {
        GrowthBudget left = lifecycle.BudgetLeft();
        return new SystemState(
            history[^1].Epoch,
            TotalEpochs,
            bench.Config.Seed,
            history,
            lifecycle.Observations(growth),
            lifecycle.Outcomes,
            new GrowthAllowance(bench.HostCost.Parameters, bench.HostCost.ForwardFlops, left.Parameters, left.Flops))
        {
            Steps = Steps,
            Machine = bench.Config.Policy.ObserveMachine ? control.Machine : null,
        };
    }

    private void MeasureGains(int epoch, CancellationToken cancellation)
    {
        ImmutableArray<SeedId> ready = lifecycle.ReadyForGain();
        ImmutableArray<GainEstimate?> gains = [];
        int share = 0;
        if (!ready.IsEmpty && bench.Config.Lifecycle.Gain == "fork")
        {
            gains = forks.WorthOf(ready, new LoaderPosition(epoch, 0), ScheduleStep, cancellation);
            ExtraFlops += forks.Flops;
        }
        else if (!ready.IsEmpty)
        {
            share = GainShare(epoch);

            // The validation that began this boundary does not serve: its culls have changed the function since.
            gains =
            [
                .. GainMeter.Measure(
                    bench.Session,
                    [.. ready.Select(seed => (seed, lifecycle.DescriptionOf(seed)))],
                    GainBatches(share, cancellation),
                    cancellation),
            ];
            double examples = (double)bench.Data.Validation.ExamplesPerEpoch * GainBatchCount() / bench.Data.Validation.BatchesPerEpoch;
            ExtraFlops += (1.0 + ready.Length) * examples * (bench.HostCost.ForwardFlops + lifecycle.TotalCost.Flops);
        }

        for (int i = 0; i < gains.Length; i++)
        {
            if (gains[i] is { } gain)
            {
                lifecycle.AddGain(ready[i], gain with { Share = share });
            }
        }
    }

    /// <summary>Whole batches that hold <c>gain_examples</c> examples or more; all there are, at most.</summary>
    private int GainBatchCount()
    {
        IBatchLoader validation = bench.Data.Validation;
        double share = (double)(bench.Config.Lifecycle.GainExamples ?? validation.ExamplesPerEpoch) / validation.ExamplesPerEpoch;
        return (int)Math.Ceiling(Math.Min(1, share) * validation.BatchesPerEpoch);
    }

    /// <summary>The share of the validation examples whose turn it is. The last batch may be a small one: shares are counted without it.</summary>
    private int GainShare(int epoch) =>
        epoch % Math.Max(1, (bench.Data.Validation.BatchesPerEpoch - 1) / GainBatchCount());

    private IEnumerable<HostTensor[]> GainBatches(int share, CancellationToken cancellation)
    {
        int count = GainBatchCount();
        return BatchTensors.Stream(bench.Data.Validation, 0, cancellation).Skip(share * count).Take(count);
    }

    private Dictionary<SeedId, GrowthSignal> Probe(int epoch, CancellationToken cancellation)
    {
        int batches = 2 * bench.Config.Policy.ProbeBatches;
        ExtraFlops += 3.0 * bench.HostCost.ForwardFlops * batches * bench.Config.Batch;
        return GrowthProbe.Run(
            bench.Session,
            bench.Wrapped.Sites.Length,
            BatchTensors.Stream(bench.Data.Train, ProbeEpochs + epoch, cancellation).Take(batches));
    }

    private void StartGerminated(int epoch, CancellationToken cancellation)
    {
        ImmutableArray<SeedId> germinated = lifecycle.InStage(SeedStage.Germinated);
        if (germinated.IsEmpty)
        {
            return;
        }

        HostTensor[] batch = BatchTensors.Stream(bench.Data.Train, ProbeEpochs + epoch, cancellation).First();
        foreach (SeedId seed in germinated)
        {
            lifecycle.AddIsolation(
                seed, IsolationCheck.Cosine(bench.Session, seed, lifecycle.DescriptionOf(seed), batch));
            ExtraFlops += 2 * 3.0 * bench.HostCost.ForwardFlops * bench.Config.Batch;
        }

        lifecycle.BeginTraining();
    }
}

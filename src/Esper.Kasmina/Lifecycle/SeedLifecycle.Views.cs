using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <content>What others see of the seeds: costs, observations for policies, reports for people, snapshots for checkpoints.</content>
public sealed partial class SeedLifecycle
{
    /// <summary>Parameters and forward operations that all modules add together.</summary>
    public ModuleCost TotalCost => new(_seeds.Sum(seed => seed.Cost.Parameters), _seeds.Sum(seed => seed.Cost.Flops));

    /// <summary>What is left of the budget.</summary>
    public GrowthBudget BudgetLeft()
    {
        ModuleCost used = TotalCost;
        return new GrowthBudget(_settings.Budget.Parameters - used.Parameters, _settings.Budget.Flops - used.Flops);
    }

    /// <summary>Seeds of a stage, in order.</summary>
    public ImmutableArray<SeedId> InStage(SeedStage stage) =>
        [.. _seeds.Where(seed => State(seed).Stage == stage).Select(seed => seed.Id)];

    /// <summary>Holding seeds that have been so for an epoch at least, and so can have their gain evaluated.</summary>
    public ImmutableArray<SeedId> ReadyForGain() =>
        [.. _seeds.Where(seed => State(seed) is { Stage: SeedStage.Holding, Age: >= 1 }).Select(seed => seed.Id)];

    /// <summary>The description with which the executor runs a seed's module now.</summary>
    public LatticeSeed DescriptionOf(SeedId seed)
    {
        SeedRecord record = Find(seed);
        SeedState state = State(record);
        return Describe(record, record.Blueprint!, state.Stage, state.Alpha);
    }

    /// <summary>All seeds as a policy sees them.</summary>
    /// <param name="growth">Results of a gradient probe by seed; empty where none was taken.</param>
    public ImmutableArray<SeedObservation> Observations(IReadOnlyDictionary<SeedId, GrowthSignal> growth)
    {
        ArgumentNullException.ThrowIfNull(growth);
        GrowthBudget left = BudgetLeft();
        return [.. _seeds.Select(seed => Observation(seed, left, growth))];
    }

    /// <summary>All seeds as a report shows them.</summary>
    public ImmutableArray<SeedReport> Reports() => [.. _seeds.Select(Report)];

    /// <summary>Everything that a checkpoint must hold, apart from the modules' parameters.</summary>
    public ImmutableArray<SeedSnapshot> Save() => [.. _seeds.Select(seed => seed.Save(State(seed)))];

    /// <summary>
    /// Puts all seeds as they were saved. Modules are attached with zero parameters: the session's state is written after it.
    /// </summary>
    /// <exception cref="EsperException">The snapshot is of another lattice.</exception>
    public void Load(ImmutableArray<SeedSnapshot> snapshots) => Put(snapshots, attach: true);

    /// <summary>
    /// Takes the records back to a snapshot, for an executor that was taken back by itself and has the modules already. What
    /// was quarantined since stays so. Nothing is reported.
    /// </summary>
    /// <exception cref="EsperException">The snapshot is of another lattice.</exception>
    public void Rewind(ImmutableArray<SeedSnapshot> snapshots) => Put(snapshots, attach: false);

    private void Put(ImmutableArray<SeedSnapshot> snapshots, bool attach)
    {
        if (!snapshots.Select(snapshot => snapshot.Seed).SequenceEqual(_seeds.Select(seed => seed.Id)))
        {
            throw new EsperException(
                $"The checkpoint has {snapshots.Length} seeds at other places than this lattice's {_seeds.Length}; "
                + "resume with the run's own config.yaml.");
        }

        foreach (SeedSnapshot snapshot in snapshots)
        {
            SeedRecord seed = Find(snapshot.Seed);
            seed.Load(snapshot);
            _store!.Restore(seed.Row, snapshot.State);
            if (seed.Blueprint is not { } blueprint)
            {
                continue;
            }

            seed.Cost = CostOf(seed, blueprint);
            if (attach)
            {
                LatticeSeed description = Describe(seed, blueprint, snapshot.State.Stage, snapshot.State.Alpha);
                _executor.Germinate(seed.Id, description, new float[seed.Cost.Parameters]);
            }
        }
    }

    private static ModuleCost CostOf(SeedRecord seed, Blueprint blueprint) =>
        new(blueprint.ParameterCount(seed.Channels), blueprint.ForwardFlops(seed.Channels, seed.Positions));

    private double RequiredGain(SeedRecord seed) =>
        Options.GainMinimum + (Options.RentPerHost * seed.Cost.Parameters / _settings.HostParameters);

    private SeedObservation Observation(
        SeedRecord seed, GrowthBudget left, IReadOnlyDictionary<SeedId, GrowthSignal> growth)
    {
        SeedState state = State(seed);
        GainEstimate? gain = seed.Gains.Count > 0 ? GainEstimate.Pool(seed.Gains) : null;
        return new SeedObservation(
            seed.Id,
            state.Stage,
            (int)state.Age,
            seed.Channels,
            seed.Blueprint?.Name,
            [.. seed.Rejected],
            state.Stage == SeedStage.Dormant ? Affordable(seed, left) : [],
            gain is null ? null : new Estimate(gain.LossMean, gain.LossHalfWidth),
            seed.Gains.Count,
            Options.GainEvaluations,
            RequiredGain(seed),
            growth.TryGetValue(seed.Id, out GrowthSignal signal) ? signal : null,
            state.Alpha,
            seed.Positions,
            Signals(seed));
    }

    private static SeedSignals? Signals(SeedRecord seed)
    {
        if (seed.Telemetry is not { } means)
        {
            return null;
        }

        // Telemetry counts the module's own parameters; those of the blend are no part of its gradient.
        long parameters = (seed.Blueprint! with { Blend = BlendMode.Convex }).ParameterCount(seed.Channels);
        return new SeedSignals(
            means.Samples,
            means.GradientRms * Math.Sqrt(parameters),
            means.GradientRatio,
            means.ActivationRatio,
            means.Variance,
            means.DeadFraction,
            means.Alignment,
            Math.Abs(means.Sign));
    }

    // Canonical names: those of rejected blueprints are, and are compared with these.
    private ImmutableArray<string> Affordable(SeedRecord seed, GrowthBudget left) =>
    [
        .. _settings.Blueprints.Select(Blueprint.Parse)
            .Where(blueprint => SiteFit.Objection(blueprint, seed.Layout) is null)
            .Where(blueprint => _veto?.QuarantinedAt(seed.Id.Site).Contains(blueprint.Name) != true)
            .Where(blueprint => CostOf(seed, blueprint) is var cost && cost.Parameters <= left.Parameters && cost.Flops <= left.Flops)
            .Select(blueprint => blueprint.Name),
    ];

    private SeedReport Report(SeedRecord seed)
    {
        SeedState state = State(seed);
        GainEstimate? gain = seed.Gains.Count > 0 ? GainEstimate.Pool(seed.Gains) : null;
        TelemetryMeans? telemetry = seed.Telemetry;
        return new SeedReport(
            seed.Id,
            state.Stage,
            state.Alpha,
            (int)state.Age,
            seed.Blueprint?.Name,
            seed.Cost.Parameters,
            telemetry?.ActivationRatio,
            telemetry?.GradientRatio,
            telemetry?.Alignment,
            gain?.AccuracyMean,
            gain?.AccuracyHalfWidth,
            telemetry?.DeadFraction);
    }
}

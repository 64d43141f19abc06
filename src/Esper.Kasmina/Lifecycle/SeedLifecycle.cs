using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <summary>
/// Carries seeds through their stages: validates commands, asks the gates, ramps alpha, and keeps state store, executor and
/// records in step. Every change and every refusal is reported as a <see cref="LifecycleEvent"/>. One thread only.
/// </summary>
public sealed partial class SeedLifecycle : IDisposable
{
    private const string Engine = "lifecycle";

    private readonly ImmutableArray<SeedRecord> _seeds;
    private readonly Dictionary<SeedId, SeedRecord> _byId;
    private readonly ImmutableArray<LatticePlace> _places;
    private readonly SeedStateStore? _store;
    private readonly ISeedExecutor _executor;
    private readonly LifecycleSettings _settings;
    private readonly TimeProvider _clock;
    private readonly Action<LifecycleEvent> _report;
    private readonly ILifecycleVeto? _veto;
    private int _epoch;
    private long _step;

    /// <summary>Creates a lifecycle with all seeds dormant.</summary>
    /// <param name="places">All seeds, ordered by site and seed; may be empty.</param>
    /// <param name="executor">Runs the modules.</param>
    /// <param name="settings">The run's settings.</param>
    /// <param name="clock">Time stamps of events.</param>
    /// <param name="report">Receives every event.</param>
    /// <param name="veto">Asked before every change that adds to the model; null for a lifecycle that makes none.</param>
    public SeedLifecycle(
        ImmutableArray<LatticePlace> places,
        ISeedExecutor executor,
        LifecycleSettings settings,
        TimeProvider clock,
        Action<LifecycleEvent> report,
        ILifecycleVeto? veto = null)
    {
        _veto = veto;
        _places = places;
        _executor = executor;
        _settings = settings;
        _clock = clock;
        _report = report;
        _seeds = [.. places.Select((place, row) => new SeedRecord(place, row))];
        _byId = _seeds.ToDictionary(seed => seed.Id);
        _store = places.IsEmpty ? null : new SeedStateStore(places.Length);
    }

    private LifecycleOptions Options => _settings.Options;

    /// <inheritdoc/>
    public void Dispose() => _store?.Dispose();

    /// <summary>Tells the time of the run that coming events carry.</summary>
    public void SetTime(int epochsDone, long stepsDone) => (_epoch, _step) = (epochsDone, stepsDone);

    /// <summary>Stage of a seed.</summary>
    public SeedStage StageOf(SeedId seed) => State(Find(seed)).Stage;

    /// <summary>Whether any seed has one of the stages.</summary>
    public bool Any(params ReadOnlySpan<SeedStage> stages)
    {
        foreach (SeedRecord seed in _seeds)
        {
            if (stages.Contains(State(seed).Stage))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Moves alpha of all blending seeds one step on; call before each training step.</summary>
    public void BeginStep()
    {
        if (_store is null)
        {
            return;
        }

        int ramp = RampSteps;
        foreach (SeedRecord seed in _seeds)
        {
            SeedState state = State(seed);
            if (state.Stage == SeedStage.Blending && seed.BlendStep < ramp)
            {
                seed.BlendStep++;
                SetAlpha(seed, Options.AlphaTarget * AlphaSchedule.At(Options.BlendSchedule, (double)seed.BlendStep / ramp));
            }
        }
    }

    /// <summary>Adds the telemetry of one step for the seeds of a site.</summary>
    public void Observe(int site, ReadOnlySpan<SeedTelemetry> telemetry)
    {
        for (int i = 0; i < telemetry.Length; i++)
        {
            Find(new SeedId(site, i)).Observe(telemetry[i]);
        }
    }

    /// <summary>Forgets the telemetry of the epoch that has ended; call after its report was written.</summary>
    public void ClearTelemetry()
    {
        foreach (SeedRecord seed in _seeds)
        {
            seed.ClearTelemetry();
        }
    }

    /// <summary>Adds an evaluation of a holding seed's gain.</summary>
    public void AddGain(SeedId seed, GainEstimate gain)
    {
        SeedRecord record = Find(seed);
        Require(State(record).Stage == SeedStage.Holding, $"seed {seed} is not Holding");
        record.Gains.Add(gain);
    }

    /// <summary>Adds the result of the isolation check of a germinated seed.</summary>
    public void AddIsolation(SeedId seed, double cosine)
    {
        SeedRecord record = Find(seed);
        Require(State(record).Stage == SeedStage.Germinated, $"seed {seed} is not Germinated");
        record.Isolation = cosine;
    }

    /// <summary>
    /// Ends an epoch: ages rise, embargoes run off, and every live seed meets the gate before its next stage.
    /// </summary>
    /// <param name="validationLoss">Validation loss of this epoch.</param>
    /// <param name="referenceLoss">Mean validation loss of the three epochs before it; null while there is none.</param>
    /// <param name="growth">Results of a gradient probe at this boundary; gate G2 fails for seeds without one.</param>
    /// <param name="last">Whether no training follows, so that nothing could make up for a module that goes.</param>
    public void EndEpoch(
        double validationLoss, double? referenceLoss, IReadOnlyDictionary<SeedId, GrowthSignal> growth, bool last)
    {
        if (_store is null)
        {
            return;
        }

        _store.EndEpoch();
        foreach (SeedRecord seed in _seeds)
        {
            switch (State(seed).Stage)
            {
                case SeedStage.Embargoed when State(seed).Embargo == 0:
                    Move(seed, SeedStage.Resetting, null, Engine, "embargo served", null);
                    Move(seed, SeedStage.Dormant, null, Engine, "state cleared", null);
                    break;
                case SeedStage.Training:
                    EndTrainingEpoch(seed, growth);
                    break;
                case SeedStage.Blending when Stays(seed, validationLoss, referenceLoss):
                    EndBlendingEpoch(seed);
                    break;
                case SeedStage.Holding:
                    Stays(seed, validationLoss, referenceLoss);
                    break;
                default:
                    break;
            }
        }

        if (!last)
        {
            CullExpired();
        }
    }

    /// <summary>Takes germinated seeds whose isolation was checked into Training, or culls them (gate G1).</summary>
    public void BeginTraining()
    {
        foreach (SeedRecord seed in _seeds)
        {
            if (State(seed).Stage != SeedStage.Germinated)
            {
                continue;
            }

            GateVerdict verdict = Gates.Isolation(seed.Isolation);
            RiskVerdict? risk = Ask(seed, SeedStage.Training, seed.Blueprint!, null);
            if (Objection(verdict, risk) is null)
            {
                Move(seed, SeedStage.Training, null, Engine, "isolated from the host", verdict, risk);
            }
            else if (!verdict.Passed)
            {
                Cull(seed, null, Engine, verdict.Reason, verdict, risk);
            }
            else
            {
                Stop(seed, null, Engine, verdict, risk!);
            }
        }
    }

    /// <summary>Removes every live seed after a fault.</summary>
    /// <returns>How many were removed.</returns>
    public int CullAllLive(string issuer, string reason)
    {
        int culled = 0;
        foreach (SeedRecord seed in _seeds)
        {
            if (State(seed).Stage.IsLive())
            {
                Cull(seed, null, issuer, reason, null);
                culled++;
            }
        }

        return culled;
    }

    private int RampSteps => (int)Math.Round(Options.BlendEpochs * _settings.StepsPerEpoch);

    private void EndTrainingEpoch(SeedRecord seed, IReadOnlyDictionary<SeedId, GrowthSignal> growth)
    {
        SeedState state = State(seed);
        GrowthSignal? signal = growth.TryGetValue(seed.Id, out GrowthSignal probed) ? probed : null;
        GateVerdict verdict = Gates.Readiness(seed.Telemetry, signal, (int)state.Age, Options);
        RiskVerdict? risk = Ask(seed, SeedStage.Blending, seed.Blueprint!, null);
        string? objection = Objection(verdict, risk);
        if (objection is null)
        {
            seed.BlendStep = 0;
            Move(seed, SeedStage.Blending, null, Engine, "healthy gradients and a lasting signal", verdict, risk);
            if (RampSteps == 0)
            {
                SetAlpha(seed, Options.AlphaTarget);
            }
        }
        else if (risk is { Condemns: true })
        {
            Stop(seed, null, Engine, verdict, risk);
        }
        else if (verdict.Terminal || state.Age >= Options.TrainingLimit)
        {
            Cull(seed, null, Engine, $"not ready after {state.Age} epochs: {objection}", verdict, risk);
        }
        else
        {
            Refuse(seed, null, Engine, verdict, objection, risk);
        }
    }

    private void EndBlendingEpoch(SeedRecord seed)
    {
        SeedState state = State(seed);
        GateVerdict verdict = Gates.Settled(state.Alpha, (int)state.Age, Options);
        RiskVerdict? risk = Ask(seed, SeedStage.Holding, seed.Blueprint!, null);
        if (Objection(verdict, risk) is null)
        {
            Move(seed, SeedStage.Holding, null, Engine, "alpha at its target", verdict, risk);
        }
        else
        {
            Stop(seed, null, Engine, verdict, risk);
        }
    }

    /// <summary>
    /// Takes the least worthy of the seeds whose time in Holding is over. Only one: gains are measured one seed at a time, and modules
    /// each of which could go may be needed together; the others are measured again without it.
    /// </summary>
    private void CullExpired()
    {
        SeedRecord? seed = _seeds
            .Where(seed => State(seed) is { Stage: SeedStage.Holding } state && state.Age > Options.HoldingLimit)
            .MinBy(seed => seed.Gains.Count == 0 ? double.NegativeInfinity : GainEstimate.Pool(seed.Gains).LossMean);
        if (seed is not null)
        {
            GateVerdict verdict = Gates.Worth(seed.Gains, RequiredGain(seed), Options);
            string why = verdict.Passed
                ? $"its gain suffices, but it was not made permanent within {Options.HoldingLimit} epochs"
                : $"no sufficient gain within {Options.HoldingLimit} epochs: {verdict.Reason}";
            Cull(seed, null, Engine, why, verdict);
        }
    }

    private bool Stays(SeedRecord seed, double validationLoss, double? referenceLoss)
    {
        GateVerdict verdict = Gates.Stay(validationLoss, referenceLoss, Options);
        if (!verdict.Passed)
        {
            Cull(seed, null, Engine, verdict.Reason, verdict);
        }

        return verdict.Passed;
    }

    private void Move(
        SeedRecord seed,
        SeedStage to,
        LifecycleCommand? command,
        string issuer,
        string reason,
        GateVerdict? verdict,
        RiskVerdict? risk = null)
    {
        SeedStage from = State(seed).Stage;
        string? blueprint = seed.Blueprint?.Name;
        _store!.Transition(seed.Row, to);
        if (to.HasModule() && to != SeedStage.Germinated)
        {
            Apply(seed);
        }

        _report(new LifecycleEvent(
            _clock.GetUtcNow(), _epoch, _step, seed.Id, from, to, blueprint, command?.Id, issuer, reason, verdict, risk));
    }

    /// <summary>Makes no change that gate or veto object to; where the veto condemns the module, it goes.</summary>
    private void Stop(SeedRecord seed, LifecycleCommand? command, string issuer, GateVerdict verdict, RiskVerdict? risk)
    {
        if (risk is { Condemns: true })
        {
            Cull(seed, command, RiskIssuer, Describe(risk), verdict, risk);
        }
        else
        {
            Refuse(seed, command, issuer, verdict, Objection(verdict, risk), risk);
        }
    }

    private void Refuse(
        SeedRecord seed,
        LifecycleCommand? command,
        string issuer,
        GateVerdict? verdict,
        string? reason = null,
        RiskVerdict? risk = null,
        CommandRefusal? refusal = null)
    {
        SeedStage stage = State(seed).Stage;
        string? blueprint = seed.Blueprint?.Name ?? (command as GerminateCommand)?.Blueprint;
        _report(new LifecycleEvent(
            _clock.GetUtcNow(),
            _epoch,
            _step,
            seed.Id,
            stage,
            stage,
            blueprint,
            command?.Id,
            issuer,
            $"refused: {reason ?? verdict!.Reason}",
            verdict,
            risk,
            refusal));
    }

    private void SetAlpha(SeedRecord seed, double alpha)
    {
        _store!.SetAlpha(seed.Row, (float)alpha);
        Apply(seed);
    }

    /// <summary>Brings the executor's description of a module in line with the state store.</summary>
    private void Apply(SeedRecord seed)
    {
        SeedState state = State(seed);
        _executor.Update(seed.Id, Describe(seed, seed.Blueprint!, state.Stage, state.Alpha));
    }

    private LatticeSeed Describe(SeedRecord seed, Blueprint blueprint, SeedStage stage, float alpha) =>
        LatticeSeed.For(blueprint, stage, alpha) with
        {
            Kappa = (float)(Options.Kappa / ((double)_settings.BatchSize * seed.Positions)),
            LearningRateScale = (float)RateScale(stage),
        };

    private double RateScale(SeedStage stage) => stage switch
    {
        SeedStage.Fossilized => 1,
        SeedStage.Training => Options.SeedLearningRateScale * Options.TrainingLearningRateScale,
        _ => Options.SeedLearningRateScale,
    };

    private SeedState State(SeedRecord seed) => _store!.Read(seed.Row);

    private SeedRecord Find(SeedId seed) => _byId.TryGetValue(seed, out SeedRecord? record)
        ? record
        : throw new ArgumentException($"There is no seed {seed}.", nameof(seed));

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException(message);
        }
    }
}

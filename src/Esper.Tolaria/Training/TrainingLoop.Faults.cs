using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Tolaria.Training;

/// <content>Points to go back to, and going back.</content>
internal sealed partial class TrainingLoop
{
    private const string Issuer = "governor";

    /// <summary>Takes a point where one is due: at the start of an epoch, where the model was just validated, and every so many steps.</summary>
    private void KeepPoint()
    {
        bool first = !_points.Steps.Any();
        bool due = _state.Progress.Steps == 0 || _state.Step % _bench.Config.Governor.SnapshotEverySteps == 0;
        if (first || (due && !_points.Has(_state.Step)))
        {
            _points.Add(TakePoint(trusted: first));
        }
    }

    private RunPoint TakePoint(bool trusted) =>
        new(_bench.Session.TakeSnapshot(), _state with { Seeds = _lifecycle.Save(), RecentSteps = _stepLog.Save() }, trusted);

    /// <summary>
    /// Whether live seeds are not to blame for a fault: their parameters are sound, and with all of them switched off the host cannot take
    /// the batch either. A fault that returns acquits nobody. Leaves seeds switched off; what follows is a rollback.
    /// </summary>
    private bool Acquits(GovernorFault fault, HostTensor[] inputs)
    {
        ImmutableArray<SeedId> live = [.. _lifecycle.Reports().Where(seed => seed.Stage.IsLive()).Select(seed => seed.Seed)];
        if (live.IsEmpty || _governor.Returned(fault) || !ModulesAreFinite())
        {
            return false;
        }

        foreach (SeedId seed in live)
        {
            _bench.Session.Update(seed, _lifecycle.DescriptionOf(seed) with { Alpha = 0 });
        }

        double loss = _bench.Session.Evaluate(inputs).Loss;
        return !double.IsFinite(loss) || (_governor.Bound() is { } bound && loss > bound);
    }

    private bool ModulesAreFinite() => _bench.Session.State()
        .Where(tensor => tensor.Name.StartsWith("arena/", StringComparison.Ordinal))
        .All(tensor =>
        {
            byte[] data = new byte[tensor.Bytes];
            _bench.Session.ReadState(tensor.Name, data);
            return MemoryMarshal.Cast<byte, float>(data).ToArray().All(float.IsFinite);
        });

    /// <summary>
    /// Takes the run back to the last good point: parameters, optimizer, BatchNorm, random numbers, position in the data and lattice. Live
    /// seeds are the first suspects: unless they are acquitted, they are culled and their arms quarantined. What was computed since
    /// stays counted.
    /// </summary>
    /// <exception cref="EsperException">The run has been taken back often enough.</exception>
    private void RollBack(GovernorFault fault, bool acquitted)
    {
        int number = _governor.State.Faults.Length + 1;
        int limit = _bench.Config.Governor.Rollbacks;
        if (number > limit)
        {
            throw GiveUp(fault);
        }

        RunPoint target = _points.Target(fault, _governor.Returned(fault));
        (int epoch, long step, double flops) = (_state.EpochsDone, _state.Step, _state.TrainFlops);
        ImmutableArray<SeedArm> suspects = _lifecycle.LiveArms();
        _bench.Session.Restore(target.Session);
        _lifecycle.Rewind(target.State.Seeds);
        _state = target.State with
        {
            TrainFlops = flops,
            OverheadFlops = target.State.OverheadFlops + flops - target.State.TrainFlops,
        };
        _stepLog.Load(_state.RecentSteps);
        _lifecycle.SetTime(_state.EpochsDone, _state.Step);
        ImmutableArray<SeedArm> guilty = acquitted ? [] : [.. suspects.Union(_lifecycle.LiveArms())];
        _control.Quarantine(guilty, Issuer, fault.Reason);
        string remedy = _governor.Note(fault, guilty, acquitted);
        ImmutableArray<SeedId> culled = acquitted
            ? []
            : [.. _lifecycle.Reports().Where(seed => seed.Stage.IsLive()).Select(seed => seed.Seed)];
        _observer.OnRollback(new RollbackReport(
            _clock.GetUtcNow(),
            epoch,
            step,
            _state.EpochsDone,
            _state.Step,
            fault.Cause,
            fault.Reason,
            remedy,
            number,
            limit,
            culled,
            [.. guilty.Select(arm => arm.ToString())]));
        if (!acquitted)
        {
            _lifecycle.CullAllLive(Issuer, fault.Reason);
        }

        _points.Replace(target, TakePoint(trusted: true));

        // A later checkpoint on disk would lead a resumed run into the fault again.
        WriteCheckpoint();
    }

    private EsperException GiveUp(GovernorFault fault)
    {
        ImmutableArray<string> before = _governor.State.Faults;
        string history = before.IsEmpty
            ? "governor.rollbacks is 0, so that the run is not taken back."
            : $"The run was taken back {before.Length} times already, as often as governor.rollbacks allows: {string.Join("; ", before)}.";
        return new EsperException($"{fault.Reason}. {history} Lower --lr, or set optimizer.clip_norm.");
    }
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;

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
        new(_bench.Session.TakeSnapshot(), _state with { Seeds = _lifecycle.Save() }, trusted);

    /// <summary>
    /// Takes the run back to the last good point: parameters, optimizer, BatchNorm, random numbers, position in the data and lattice. Live
    /// seeds are the first suspects: they are culled, and their arms quarantined. What was computed since stays counted.
    /// </summary>
    /// <exception cref="EsperException">The run has been taken back often enough.</exception>
    private void RollBack(GovernorFault fault)
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
        _lifecycle.SetTime(_state.EpochsDone, _state.Step);
        ImmutableArray<SeedArm> arms = [.. suspects.Union(_lifecycle.LiveArms())];
        foreach (SeedArm arm in arms)
        {
            _lifecycle.Quarantine(arm);
        }

        string remedy = _governor.Note(fault, arms);
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
            [.. _lifecycle.Reports().Where(seed => seed.Stage.IsLive()).Select(seed => seed.Seed)],
            [.. arms.Select(arm => arm.ToString())]));
        _lifecycle.CullAllLive(Issuer, fault.Reason);
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

using Esper.Contracts.Runs;

namespace Esper.Tolaria.Training;

/// <summary>
/// The points that a run can go back to, oldest first: the last good ones, and behind them those in probation. A point is good once so many
/// steps after it showed no sign of a fault. There is always a good one after the first was added.
/// </summary>
/// <param name="probation">Steps that make a point good.</param>
/// <param name="kept">Good points kept, the newest good one at the start of an epoch not counted.</param>
/// <param name="patience">Steps between the first sign of a fault and its certainty: what came in them is no proof yet.</param>
internal sealed class RunPoints(int probation, int kept, int patience) : IDisposable
{
    private readonly List<RunPoint> _points = [];

    /// <summary>Steps done at each point.</summary>
    public IEnumerable<long> Steps => _points.Select(point => point.Step);

    /// <summary>Adds a point and lets go of good ones that are not needed any more.</summary>
    /// <exception cref="InvalidOperationException">The first point is not trusted, or a point does not lie behind the last one.</exception>
    public void Add(RunPoint point)
    {
        if (_points.Count == 0 ? !point.Trusted : point.Step <= _points[^1].Step)
        {
            throw new InvalidOperationException($"A point at step {point.Step} does not follow the {_points.Count} points before it.");
        }

        _points.Add(point);
        List<RunPoint> good = [.. _points.Where(candidate => IsGood(candidate, point.Step, point.Step - patience))];
        RunPoint? validated = good.FindLast(candidate => candidate.Trusted || candidate.StartsEpoch);
        foreach (RunPoint old in good.SkipLast(kept).Where(old => old != validated))
        {
            _points.Remove(old);
            old.Dispose();
        }
    }

    /// <summary>Whether the newest point is of this step.</summary>
    public bool Has(long step) => _points.Count > 0 && _points[^1].Step == step;

    /// <summary>
    /// The newest good point before the fault; if the fault has returned, the one before that, where there is one. A collapse was seen
    /// at a validation, and may have come at any step since the one before: there, only points up to that count.
    /// </summary>
    /// <param name="fault">The fault.</param>
    /// <param name="returned">Whether it came back after the last rollback.</param>
    public RunPoint Target(GovernorFault fault, bool returned)
    {
        long survived = fault.Cause is RollbackCause.Collapse or RollbackCause.Risk ? fault.Step : fault.FirstStep;
        int newest = _points.FindLastIndex(point => IsGood(point, fault.FirstStep, survived));
        return _points[returned && newest > 0 ? newest - 1 : newest];
    }

    /// <summary>Replaces a point and everything behind it.</summary>
    public void Replace(RunPoint target, RunPoint by)
    {
        int index = _points.IndexOf(target);
        for (int i = _points.Count - 1; i >= index; i--)
        {
            _points[i].Dispose();
            _points.RemoveAt(i);
        }

        _points.Add(by);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _points.ForEach(point => point.Dispose());
        _points.Clear();
    }

    private bool IsGood(RunPoint point, long latest, long survived) =>
        point.Trusted || (point.Step <= latest && survived - point.Step >= probation);
}

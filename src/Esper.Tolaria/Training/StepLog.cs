using System.Collections.Immutable;
using Esper.Contracts.Control;

namespace Esper.Tolaria.Training;

/// <summary>The last training steps, as many as the longest window of a state needs. Adding one allocates nothing.</summary>
internal sealed class StepLog
{
    private readonly StepObservation[] _ring = new StepObservation[StepWindow.Lengths.Max()];
    private int _count;
    private int _next;

    /// <summary>Adds a step; the oldest one gives way.</summary>
    public void Add(StepObservation step)
    {
        _ring[_next] = step;
        _next = (_next + 1) % _ring.Length;
        _count = Math.Min(_count + 1, _ring.Length);
    }

    /// <summary>The steps, oldest first.</summary>
    public ImmutableArray<StepObservation> Save()
    {
        int first = (_next - _count + _ring.Length) % _ring.Length;
        ImmutableArray<StepObservation>.Builder steps = ImmutableArray.CreateBuilder<StepObservation>(_count);
        for (int i = 0; i < _count; i++)
        {
            steps.Add(_ring[(first + i) % _ring.Length]);
        }

        return steps.MoveToImmutable();
    }

    /// <summary>Puts the log as it was saved.</summary>
    public void Load(ImmutableArray<StepObservation> steps)
    {
        (_count, _next) = (0, 0);
        foreach (StepObservation step in steps)
        {
            Add(step);
        }
    }

    /// <summary>The windows over the last steps.</summary>
    public ImmutableArray<StepWindow> Windows() => StepWindow.AllOf(Save().AsSpan());
}

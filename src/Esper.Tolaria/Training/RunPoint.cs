using Esper.Native;
using Esper.Tolaria.Checkpoints;

namespace Esper.Tolaria.Training;

/// <summary>A place in memory that a run can go back to.</summary>
/// <param name="Session">Parameters, optimizer, BatchNorm, random numbers, modules.</param>
/// <param name="State">Position in the data, sums of the epoch, history, lattice records.</param>
/// <param name="Trusted">Good without probation: where the run began, or where it was taken back to.</param>
internal sealed record RunPoint(HostSnapshot Session, RunState State, bool Trusted) : IDisposable
{
    /// <summary>Steps done there.</summary>
    public long Step => State.Step;

    /// <summary>Whether it lies between two epochs, so that the model was validated there.</summary>
    public bool StartsEpoch => State.Progress.Steps == 0;

    public void Dispose() => Session.Dispose();
}

using System.Collections.Immutable;

namespace Esper.Contracts.Runs;

/// <summary>What made a run turn back.</summary>
public enum RollbackCause
{
    /// <summary>A loss or gradient was NaN or infinite.</summary>
    NotFinite,

    /// <summary>The training loss left its robust bounds.</summary>
    LossOutOfBounds,

    /// <summary>Validation accuracy fell back to guessing.</summary>
    Collapse,

    /// <summary>A rule of the risk engine asked for it.</summary>
    Risk,
}

/// <summary>A run was taken back to an earlier step. What was reported of later steps and epochs is void.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Epoch">Epochs completed when it happened.</param>
/// <param name="Step">Steps done when it happened.</param>
/// <param name="ToEpoch">Epochs completed where the run goes on.</param>
/// <param name="ToStep">Steps done where the run goes on.</param>
/// <param name="Cause">Kind of the fault.</param>
/// <param name="Reason">The fault, in one sentence.</param>
/// <param name="Remedy">What will be different from now on, in one sentence.</param>
/// <param name="Number">Rollbacks of the run, this one included.</param>
/// <param name="Limit">Rollbacks that the run may make.</param>
/// <param name="Culled">Seeds that are removed, because they were live.</param>
/// <param name="Quarantined">Blueprints and sites that must not come together again, as text.</param>
public sealed record RollbackReport(
    DateTimeOffset Time,
    int Epoch,
    long Step,
    int ToEpoch,
    long ToStep,
    RollbackCause Cause,
    string Reason,
    string Remedy,
    int Number,
    int Limit,
    ImmutableArray<SeedId> Culled,
    ImmutableArray<string> Quarantined)
{
    /// <summary>Whether something that was reported at that time belongs to the course that was given up.</summary>
    /// <param name="epoch">Epochs completed then.</param>
    /// <param name="step">Steps done then.</param>
    public bool Voids(int epoch, long step) => epoch > ToEpoch || step > ToStep;
}

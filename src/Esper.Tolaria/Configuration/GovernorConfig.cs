namespace Esper.Tolaria.Configuration;

/// <summary>When a run counts as broken, and how it is taken back. A step that is not finite always counts.</summary>
public sealed record GovernorConfig
{
    /// <summary>Rollbacks after which a run is given up; 0 = the first fault ends it.</summary>
    public int Rollbacks { get; init; } = 5;

    /// <summary>Steps between snapshots. A snapshot takes as much memory as parameters and optimizer state.</summary>
    public int SnapshotEverySteps { get; init; } = 25;

    /// <summary>Steps that a snapshot has to be behind the first sign of a fault before it counts as good.</summary>
    public int ProbationSteps { get; init; } = 25;

    /// <summary>Good snapshots kept; older ones are for faults that return.</summary>
    public int SnapshotsKept { get; init; } = 2;

    /// <summary>Recent steps whose training losses say what is usual.</summary>
    public int LossWindow { get; init; } = 50;

    /// <summary>
    /// A loss is out of bounds above median + this x the robust deviation (1.4826 x median absolute deviation) of those steps; 0 = losses
    /// are not judged.
    /// </summary>
    public double LossDeviations { get; init; } = 20;

    /// <summary>Least distance of the bound from the median (nats): where losses hardly vary, a hard batch is no fault.</summary>
    public double LossMargin { get; init; } = 1;

    /// <summary>Steps in a row out of bounds that make a fault; a single spike passes by itself.</summary>
    public int LossPatience { get; init; } = 3;

    /// <summary>
    /// The model has collapsed when validation accuracy has lost this share of its best lead over guessing; 0 = not judged.
    /// </summary>
    public double CollapseShare { get; init; } = 0.9;

    /// <summary>Factor on the learning rate when a fault returns and no seed is to blame, in (0, 1].</summary>
    public double RateBackoff { get; init; } = 0.5;
}

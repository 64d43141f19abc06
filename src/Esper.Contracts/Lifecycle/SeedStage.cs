namespace Esper.Contracts.Lifecycle;

/// <summary>Stage of a seed's life. The numbers are those of <c>esper_stage</c> in esper.h.</summary>
public enum SeedStage
{
    /// <summary>No module.</summary>
    Dormant = 0,

    /// <summary>A module is attached but does not learn yet.</summary>
    Germinated = 1,

    /// <summary>The module learns beside the host, which does not feel it.</summary>
    Training = 2,

    /// <summary>Alpha rises towards its target.</summary>
    Blending = 3,

    /// <summary>Alpha is at its target and the seed is under observation.</summary>
    Holding = 4,

    /// <summary>Permanent part of the model.</summary>
    Fossilized = 5,

    /// <summary>Removed on evidence or fault.</summary>
    Culled = 6,

    /// <summary>Waits before it may be reused.</summary>
    Embargoed = 7,

    /// <summary>State is being cleared.</summary>
    Resetting = 8,
}

namespace Esper.Contracts.Lifecycle;

/// <summary>The lifecycle table: which stage may follow which. Checked against libesper's own table by a test.</summary>
public static class SeedStages
{
    private static readonly SeedStage[][] Successors =
    [
        /* Dormant    */ [SeedStage.Germinated],
        /* Germinated */ [SeedStage.Training, SeedStage.Culled],
        /* Training   */ [SeedStage.Blending, SeedStage.Culled],
        /* Blending   */ [SeedStage.Holding, SeedStage.Culled],
        /* Holding    */ [SeedStage.Fossilized, SeedStage.Culled],
        /* Fossilized */ [],
        /* Culled     */ [SeedStage.Embargoed],
        /* Embargoed  */ [SeedStage.Resetting],
        /* Resetting  */ [SeedStage.Dormant],
    ];

    /// <summary>Number of stages.</summary>
    public static int Count => Successors.Length;

    /// <summary>All stages in the order of their numbers.</summary>
    public static IReadOnlyList<SeedStage> All { get; } = Enum.GetValues<SeedStage>();

    /// <summary>Whether the lifecycle has the transition.</summary>
    public static bool Allows(SeedStage from, SeedStage to) => Array.IndexOf(Successors[(int)from], to) >= 0;

    /// <summary>Whether a seed of this stage has a module: Germinated to Fossilized.</summary>
    public static bool HasModule(this SeedStage stage) => stage is >= SeedStage.Germinated and <= SeedStage.Fossilized;

    /// <summary>Whether the module alters the forward value: Blending, Holding, Fossilized.</summary>
    public static bool IsBlended(this SeedStage stage) =>
        stage is SeedStage.Blending or SeedStage.Holding or SeedStage.Fossilized;

    /// <summary>Whether growth is under way and can still be undone: Germinated to Holding.</summary>
    public static bool IsLive(this SeedStage stage) => stage is >= SeedStage.Germinated and <= SeedStage.Holding;
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Risk;

namespace Esper.Tamiyo.Tests.Risk;

/// <summary>Builds changes, conditions and engines for the tests of the risk engine.</summary>
internal static class Changes
{
    /// <summary>A calm run: the loss falls by a tenth an epoch.</summary>
    public static readonly RiskConditions Calm = new([2.0, 1.8, 1.62, 1.458, 1.3122, 1.18098], 12, 6e9, 8e9);

    public static readonly ModuleOption Bottleneck = new("bottleneck-8", 200, 5_000);
    public static readonly ModuleOption Affine = new("affine", 16, 300);
    public static readonly ModuleOption Depthwise = new("depthwise-3", 160, 4_000);

    /// <summary>A change of a seed at site 1 that every rule with its default threshold allows.</summary>
    public static LifecycleChange To(SeedStage stage) => new(
        new SeedId(1, 0),
        stage == SeedStage.Germinated ? SeedStage.Dormant : stage - 1,
        stage,
        Bottleneck,
        stage == SeedStage.Germinated ? [Affine, Depthwise] : [],
        stage is SeedStage.Germinated or SeedStage.Fossilized ? "heuristic" : "lifecycle",
        stage is SeedStage.Germinated or SeedStage.Fossilized ? "heuristic-6-1" : null,
        stage is SeedStage.Germinated or SeedStage.Fossilized ? 0.8 : null,
        1_000,
        20_000,
        2_000,
        40_000,
        stage == SeedStage.Germinated ? null : 0.5,
        stage == SeedStage.Germinated ? null : 1.0);

    public static RiskInputs Of(LifecycleChange change, RiskConditions? conditions = null, params ImmutableArray<string> quarantined) =>
        new(change, conditions ?? Calm, quarantined);

    /// <summary>Nothing is on but the quarantine, which is never off.</summary>
    public static RiskOptions Off { get; } = new()
    {
        IsolationMinimum = null,
        GradientRatioMaximum = null,
        GradientRatioMinimum = null,
        BudgetReserve = null,
        TierMaximum = null,
    };

    public static RiskEngine Engine(RiskOptions options) => new(RiskRules.Of(options));

    public static RiskVerdict Judge(RiskOptions options, LifecycleChange change, RiskConditions? conditions = null) =>
        Engine(options).Assess(Of(change, conditions));
}

using System.Collections.Immutable;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Kasmina.Lifecycle;

/// <content>The veto: asked beside the gate before every change that adds to the model; never before one that takes away.</content>
public sealed partial class SeedLifecycle
{
    /// <summary>Issuer of what happens on the veto's word.</summary>
    public const string RiskIssuer = "risk engine";

    /// <summary>The veto's word on a change; null in a lifecycle without one.</summary>
    private RiskVerdict? Ask(SeedRecord seed, SeedStage to, Blueprint blueprint, LifecycleCommand? command)
    {
        if (_veto is null)
        {
            return null;
        }

        GrowthBudget left = BudgetLeft();
        bool germinates = to == SeedStage.Germinated;
        return _veto.Assess(new LifecycleChange(
            seed.Id,
            State(seed).Stage,
            to,
            OptionOf(seed, blueprint),
            germinates ? Alternatives(seed, blueprint) : [],
            command?.Issuer ?? Engine,
            command?.Id,
            command?.Confidence,
            left.Parameters,
            left.Flops,
            _settings.Budget.Parameters,
            _settings.Budget.Flops,
            germinates ? null : Finite(seed.Telemetry?.GradientRatio),
            germinates ? null : Finite(seed.Isolation)));
    }

    // A measurement that is no number is none.
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private ImmutableArray<ModuleOption> Alternatives(SeedRecord seed, Blueprint asked) =>
    [
        .. _settings.Blueprints.Select(Blueprint.Parse)
            .Where(blueprint => blueprint != asked && !seed.Rejected.Contains(blueprint.Name))
            .Where(blueprint => SiteFit.Objection(blueprint, seed.Layout) is null)
            .Select(blueprint => OptionOf(seed, blueprint)),
    ];

    private static ModuleOption OptionOf(SeedRecord seed, Blueprint blueprint)
    {
        ModuleCost cost = CostOf(seed, blueprint);
        return new ModuleOption(blueprint.Name, cost.Parameters, cost.Flops);
    }

    /// <summary>Why a change may not be made; null where gate and veto agree to it. The gate speaks first.</summary>
    private static string? Objection(GateVerdict verdict, RiskVerdict? risk) => !verdict.Passed ? verdict.Reason
        : risk is { Allowed: false } ? Describe(risk)
        : null;

    private static string Describe(RiskVerdict risk)
    {
        string action = risk.Action == RiskAction.RollBack ? "roll back" : risk.Action.ToString().ToLowerInvariant();
        return $"risk rule '{risk.Rule}' says {action}: {risk.Reason}";
    }
}

using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk;

/// <summary>
/// The risk engine in a run: knows the conditions of the moment, remembers what is quarantined, and whether a roll-back was asked for.
/// One thread only.
/// </summary>
/// <param name="engine">The engine.</param>
public sealed class RiskVeto(RiskEngine engine) : ILifecycleVeto
{
    private readonly List<QuarantinedArm> _quarantine = [];

    /// <summary>What the run looks like now; the caller keeps it current.</summary>
    public RiskConditions Conditions { get; set; } = RiskConditions.None;

    /// <summary>Tells what the governor sees at the moment of a change; null in a run without one.</summary>
    public Func<FaultWatch>? Watch { get; set; }

    /// <summary>Everything quarantined, in order; part of a checkpoint.</summary>
    public ImmutableArray<QuarantinedArm> Quarantine => [.. _quarantine];

    /// <summary>The verdict that last asked for a roll-back; null while none did.</summary>
    public RiskVerdict? RollBack { get; private set; }

    /// <inheritdoc/>
    public RiskVerdict Assess(LifecycleChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        RiskVerdict verdict = engine.Assess(new RiskInputs(change, Conditions with { Watch = Watch?.Invoke() }, QuarantinedAt(change.Seed.Site)));
        if (verdict.Condemns)
        {
            Exclude(new QuarantinedArm(change.Seed.Site, change.Module.Blueprint, verdict.Rule!, verdict.Reason));
        }

        if (verdict.Action == RiskAction.RollBack)
        {
            RollBack = verdict;
        }

        return verdict;
    }

    /// <inheritdoc/>
    public ImmutableArray<string> QuarantinedAt(int site) =>
        [.. _quarantine.Where(arm => arm.Site == site).Select(arm => arm.Blueprint)];

    /// <summary>Quarantines an arm; one that is already there keeps its first reason.</summary>
    public void Exclude(QuarantinedArm arm)
    {
        ArgumentNullException.ThrowIfNull(arm);
        if (!_quarantine.Exists(known => known.Site == arm.Site && known.Blueprint == arm.Blueprint))
        {
            _quarantine.Add(arm);
        }
    }

    /// <summary>Puts the quarantine as a checkpoint has it.</summary>
    public void Restore(ImmutableArray<QuarantinedArm> quarantine)
    {
        _quarantine.Clear();
        _quarantine.AddRange(quarantine);
    }

    /// <summary>Forgets a roll-back that has been seen to.</summary>
    public void ClearRollBack() => RollBack = null;
}

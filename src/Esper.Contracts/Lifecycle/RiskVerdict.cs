using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Esper.Contracts.Lifecycle;

/// <summary>What the risk engine wants done about a change.</summary>
public enum RiskAction
{
    /// <summary>Make it.</summary>
    Allow,

    /// <summary>Make it with the named blueprint, which every rule allows.</summary>
    Downgrade,

    /// <summary>Not now; it may be asked for again.</summary>
    Hold,

    /// <summary>Not now nor later: a live module is culled, and its blueprint is not tried at this site again.</summary>
    Quarantine,

    /// <summary>The run itself is in danger: the change is not made, and the run undoes what grows.</summary>
    RollBack,
}

/// <summary>What one rule found.</summary>
/// <param name="Rule">Name of the rule.</param>
/// <param name="Action">What it wants done.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Missing">The input that the rule needs and that was not measured; null if it had all. A rule without its input never allows.</param>
/// <param name="Measurements">Values and thresholds.</param>
public sealed record RiskFinding(
    string Rule, RiskAction Action, string Reason, string? Missing, ImmutableArray<GateMeasurement> Measurements);

/// <summary>The risk engine's word on a change.</summary>
/// <param name="Target">The stage that was asked for.</param>
/// <param name="Action">What is to be done: that of the first rule that does not allow.</param>
/// <param name="Rule">That rule; null if every rule allows.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Blueprint">For a downgrade: the blueprint to take instead; otherwise null.</param>
/// <param name="Findings">What every rule found that was asked, in order.</param>
/// <param name="Inputs">What it rests on, so that it can be judged again from a log.</param>
public sealed record RiskVerdict(
    SeedStage Target,
    RiskAction Action,
    string? Rule,
    string Reason,
    string? Blueprint,
    ImmutableArray<RiskFinding> Findings,
    RiskInputs Inputs)
{
    /// <summary>Whether the change may be made as it was asked for.</summary>
    [JsonIgnore]
    public bool Allowed => Action == RiskAction.Allow;

    /// <summary>Whether the seed's module must go.</summary>
    [JsonIgnore]
    public bool Condemns => Action == RiskAction.Quarantine;
}

/// <summary>A blueprint that is not tried at a site again.</summary>
/// <param name="Site">The site.</param>
/// <param name="Blueprint">Canonical name of the blueprint.</param>
/// <param name="Source">The rule, or the part of the system, that put it there.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record QuarantinedArm(int Site, string Blueprint, string Source, string Reason);

using System.Collections.Immutable;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Experiments;

/// <summary>Kinds of arms.</summary>
public static class ArmKinds
{
    /// <summary>The host as it is.</summary>
    public const string Static = "static";

    /// <summary>The host with a policy.</summary>
    public const string Grown = "grown";

    /// <summary>What another arm's run of the same seed ended as, from its first step on.</summary>
    public const string FinalArchitecture = "final-architecture";

    /// <summary>The host with all widths multiplied until it has the parameters of another arm's run.</summary>
    public const string Widened = "widened";

    /// <summary>Several static hosts, of which the best would be taken, at the cost of all.</summary>
    public const string Sweep = "sweep";

    /// <summary>Growth from what another arm's run has learned.</summary>
    public const string Upgrade = "upgrade";

    /// <summary>All of them.</summary>
    public static ImmutableArray<string> All { get; } = [Static, Grown, FinalArchitecture, Widened, Sweep, Upgrade];
}

/// <summary>An arm as the file has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">One of <see cref="ArmKinds"/>.</param>
/// <param name="Config">Its configuration, apart from what follows from other arms' runs.</param>
/// <param name="Of">Arm that it depends on; null if on none.</param>
/// <param name="Match">What is equal to that arm, <c>flops</c> or <c>epochs</c>; null if nothing is.</param>
/// <param name="Members">Of a sweep: names of its sizes, which are arms of kind <c>static</c>.</param>
public sealed record ArmDefinition(
    string Name, string Kind, RunConfig Config, string? Of, string? Match, ImmutableArray<string> Members);

/// <summary>An experiment as its file has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Hypothesis">What is expected.</param>
/// <param name="Dataset">Data set of all runs.</param>
/// <param name="Seeds">Seeds.</param>
/// <param name="Arms">Arms; those that others depend on come first.</param>
/// <param name="Baseline">Arm that all others are compared with.</param>
/// <param name="Claims">Claims with their rules.</param>
/// <param name="Budget">Limits.</param>
/// <param name="KeepCheckpoints">Whether checkpoints of finished runs stay.</param>
/// <param name="Text">The file, byte for byte.</param>
/// <param name="Sha256">SHA-256 of its bytes, hexadecimal.</param>
public sealed record ExperimentDefinition(
    string Name,
    string Hypothesis,
    string Dataset,
    ImmutableArray<long> Seeds,
    ImmutableArray<ArmDefinition> Arms,
    string Baseline,
    ImmutableArray<PlannedClaim> Claims,
    PlanBudget Budget,
    bool KeepCheckpoints,
    ImmutableArray<byte> Text,
    string Sha256)
{
    /// <summary>An arm by its name.</summary>
    public ArmDefinition Arm(string name) => Arms.Single(arm => arm.Name == name);
}

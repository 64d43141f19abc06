using System.Collections.Immutable;

namespace Esper.Nissa.Experiments;

/// <summary>
/// What an experiment will do and how it will be judged, written before its first run and never changed after. All of it follows from the
/// file; that the file is the same is told by its digest.
/// </summary>
/// <param name="Format">Version of this document; 1.</param>
/// <param name="Name">Name of the experiment.</param>
/// <param name="Hypothesis">What is expected, in words.</param>
/// <param name="Dataset">Data set of all runs.</param>
/// <param name="FileSha256">SHA-256 of the experiment's file, hexadecimal; a copy lies beside the plan.</param>
/// <param name="Created">When the plan was written.</param>
/// <param name="Machine">Where.</param>
/// <param name="Seeds">Seeds of the runs; every arm has one run with each, so that differences between arms are paired.</param>
/// <param name="Baseline">Arm that all others are compared with.</param>
/// <param name="Arms">The arms.</param>
/// <param name="Runs">The runs, each behind those that it depends on.</param>
/// <param name="Claims">What is claimed, with the rules for the verdicts.</param>
/// <param name="Pairs">Pairs of arms whose difference is reported.</param>
/// <param name="Budget">Limits.</param>
/// <param name="KeepCheckpoints">Whether the checkpoints of finished runs stay.</param>
public sealed record ExperimentPlan(
    int Format,
    string Name,
    string Hypothesis,
    string Dataset,
    string FileSha256,
    DateTimeOffset Created,
    PlanMachine Machine,
    ImmutableArray<long> Seeds,
    string Baseline,
    ImmutableArray<PlannedArm> Arms,
    ImmutableArray<PlannedRun> Runs,
    ImmutableArray<PlannedClaim> Claims,
    ImmutableArray<PlannedPair> Pairs,
    PlanBudget Budget,
    bool KeepCheckpoints)
{
    /// <summary>The version of the document that this program reads and writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>The machine and program of an experiment.</summary>
/// <param name="Processor">Model of the processor, as the system names it; null where it does not say.</param>
/// <param name="Cores">Cores of the process.</param>
/// <param name="System">Operating system and architecture.</param>
/// <param name="Program">Version of the program.</param>
public sealed record PlanMachine(string? Processor, int Cores, string System, string Program);

/// <summary>One arm.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">
/// <c>static</c>, <c>grown</c>, <c>final-architecture</c>, <c>widened</c>, <c>sweep</c> or <c>upgrade</c>.
/// </param>
/// <param name="Description">What it is, in a sentence.</param>
/// <param name="Host">Its host; null where it follows from another arm's runs.</param>
/// <param name="Policy">Its policy.</param>
/// <param name="Of">Arm whose run of the same seed it depends on; null if on none.</param>
/// <param name="Match">What is equal to that arm: <c>flops</c> or <c>epochs</c>; null without one.</param>
/// <param name="Members">Of a sweep: the arms that it sums up, one a size; they have the runs. Empty for all others.</param>
public sealed record PlannedArm(
    string Name,
    string Kind,
    string Description,
    string? Host,
    string Policy,
    string? Of,
    string? Match,
    ImmutableArray<string> Members);

/// <summary>One run.</summary>
/// <param name="Id">
/// Its directory: arm, seed, and a digest of everything that decides the run, those that it depends on included.
/// </param>
/// <param name="Arm">Its arm.</param>
/// <param name="Seed">Seed of all its random choices.</param>
/// <param name="DependsOn">Runs that must have finished before.</param>
public sealed record PlannedRun(string Id, string Arm, long Seed, ImmutableArray<string> DependsOn);

/// <summary>Two arms to be compared.</summary>
/// <param name="A">One.</param>
/// <param name="B">The other; differences are A minus B.</param>
public sealed record PlannedPair(string A, string B);

/// <summary>Limits over all runs together; null for none. A run that has begun is brought to its end.</summary>
/// <param name="RunSeconds">Wall-clock of all runs, summed.</param>
/// <param name="TrainFlops">Training operations of all runs, summed.</param>
public sealed record PlanBudget(double? RunSeconds, double? TrainFlops);

/// <summary>A claim and its rule.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">What is claimed, in words; may be empty.</param>
/// <param name="Kind"><c>superiority</c>, <c>non-inferiority</c> or <c>within</c>.</param>
/// <param name="A">Arm that it is about.</param>
/// <param name="B">Arms that it is held against; it must hold against each.</param>
/// <param name="Metric"><c>accuracy_final</c> or <c>anytime_auc</c>.</param>
/// <param name="MarginPoints">Percentage points that A may be worse; 0 for superiority.</param>
/// <param name="AtMost">Largest cost of A as a multiple of B's.</param>
/// <param name="Interval"><c>t</c> or <c>bootstrap</c>.</param>
/// <param name="Rule">The rule in words.</param>
public sealed record PlannedClaim(
    string Name,
    string Text,
    string Kind,
    string A,
    ImmutableArray<string> B,
    string Metric,
    double MarginPoints,
    CostLimit AtMost,
    string Interval,
    string Rule);

/// <summary>Largest cost of one arm as a multiple of another's, means over seeds; null where it does not matter.</summary>
/// <param name="TrainFlops">Training operations; of a sweep, those of all its sizes.</param>
/// <param name="Parameters">Trained parameters at the end.</param>
public sealed record CostLimit(double? TrainFlops, double? Parameters);

/// <summary>How a run came by its configuration, where that was not known before others had finished.</summary>
/// <param name="Id">The run.</param>
/// <param name="Host">Its host.</param>
/// <param name="Epochs">Its epochs; the last one may be cut short.</param>
/// <param name="Steps">Its steps; null for all of all epochs.</param>
/// <param name="TargetFlops">Training operations that it was to match; null where epochs are matched.</param>
/// <param name="PlannedFlops">Training operations of its steps; null where they depend on what grows.</param>
/// <param name="TargetParameters">Parameters that it was to match; null if none.</param>
/// <param name="Parameters">Trained parameters that it starts with.</param>
/// <param name="InheritedFlops">Training operations behind the parameters that it starts with; 0 for random ones.</param>
/// <param name="Initial">Modules that it has from the start.</param>
public sealed record ResolvedRun(
    string Id,
    string Host,
    int Epochs,
    long? Steps,
    double? TargetFlops,
    double? PlannedFlops,
    double? TargetParameters,
    long Parameters,
    double InheritedFlops,
    ImmutableArray<string> Initial);

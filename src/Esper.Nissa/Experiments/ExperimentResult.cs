using System.Collections.Immutable;
using Esper.Nissa.Statistics;

namespace Esper.Nissa.Experiments;

/// <summary>The verdicts, of a claim and of an experiment as a whole.</summary>
public static class Verdicts
{
    /// <summary>The rule holds.</summary>
    public const string Supported = "supported";

    /// <summary>The rule does not hold, and its opposite is not shown either.</summary>
    public const string NotSupported = "not_supported";

    /// <summary>The whole interval lies on the wrong side of the rule's threshold.</summary>
    public const string Refuted = "refuted";

    /// <summary>Runs that the rule asks for are missing, or there are fewer than two pairs.</summary>
    public const string None = "no_verdict";
}

/// <summary>What an experiment brought: the document of <c>esper experiment --json</c> and <c>esper report DIR --json</c>.</summary>
/// <param name="Experiment">Name of the experiment.</param>
/// <param name="Directory">Its directory.</param>
/// <param name="Report">The rendered report; null where none was written.</param>
/// <param name="FileSha256">SHA-256 of its file.</param>
/// <param name="Runs">Runs planned.</param>
/// <param name="RunsFinished">Runs that have a result.</param>
/// <param name="Failures">Runs that ended without one, with the reasons.</param>
/// <param name="Arms">All arms.</param>
/// <param name="Pairs">Paired differences.</param>
/// <param name="Claims">The claims.</param>
/// <param name="Verdict">
/// <c>supported</c> if every claim is; <c>no_verdict</c> if any has none; otherwise the worst of <c>not_supported</c> and
/// <c>refuted</c>.
/// </param>
/// <param name="AucAxis">Training operations from which to which anytime accuracy is averaged; null before all arms have a run.</param>
public sealed record ExperimentResult(
    string Experiment,
    string Directory,
    string? Report,
    string FileSha256,
    int Runs,
    int RunsFinished,
    ImmutableArray<string> Failures,
    ImmutableArray<ArmResult> Arms,
    ImmutableArray<PairResult> Pairs,
    ImmutableArray<ClaimResult> Claims,
    string Verdict,
    ImmutableArray<double>? AucAxis);

/// <summary>What an arm brought. Means are over its finished runs; null while there is none.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Host">Its host; null where its runs have different ones.</param>
/// <param name="Seeds">Seeds whose runs have finished.</param>
/// <param name="AccuracyFinal">Accuracy on the test set at the end, in [0, 1].</param>
/// <param name="AnytimeAuc">
/// Mean validation accuracy over the common axis of training operations, in [0, 1]; null where a curve does not cover it.
/// </param>
/// <param name="Parameters">Trained parameters at the end.</param>
/// <param name="TrainFlops">Training operations of a run; of a sweep, of all its sizes together.</param>
/// <param name="InheritedFlops">Training operations behind the parameters that its runs started with.</param>
/// <param name="Seconds">Wall-clock of a run; of a sweep, of all its sizes together.</param>
/// <param name="BestMember">Of a sweep: the size with the best mean validation accuracy, whose accuracy it has.</param>
/// <param name="FlopsResidual">
/// Largest relative distance of a run's training operations from those it was to match; null where none were.
/// </param>
public sealed record ArmResult(
    string Name,
    string Kind,
    string? Host,
    ImmutableArray<long> Seeds,
    MeanEstimate? AccuracyFinal,
    MeanEstimate? AnytimeAuc,
    double? Parameters,
    double? TrainFlops,
    double? InheritedFlops,
    double? Seconds,
    string? BestMember,
    double? FlopsResidual);

/// <summary>Difference of two arms, paired by seed.</summary>
/// <param name="A">One arm.</param>
/// <param name="B">The other.</param>
/// <param name="Metric">What is compared.</param>
/// <param name="Difference">A minus B; null before a seed has both.</param>
/// <param name="PerSeed">The differences, in order of <paramref name="Seeds"/>.</param>
/// <param name="Seeds">Seeds that both have.</param>
public sealed record PairResult(
    string A, string B, string Metric, MeanEstimate? Difference, ImmutableArray<double> PerSeed, ImmutableArray<long> Seeds);

/// <summary>A claim with its verdict.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">What is claimed.</param>
/// <param name="Rule">The rule, as it was written before the runs.</param>
/// <param name="Verdict">One of <see cref="Verdicts"/>.</param>
/// <param name="Reason">What was measured, in a sentence for each arm that it is held against.</param>
/// <param name="Differences">The differences it rests on, one for each arm that it is held against.</param>
public sealed record ClaimResult(
    string Name, string Text, string Rule, string Verdict, string Reason, ImmutableArray<PairResult> Differences);

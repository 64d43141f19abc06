using System.Collections.Immutable;

namespace Esper.Contracts.Runs;

/// <summary>How a run ended.</summary>
public enum RunOutcome
{
    /// <summary>All epochs are done and the test set was read.</summary>
    Completed,

    /// <summary>Stopped on request; can be resumed.</summary>
    Interrupted,
}

/// <summary>A seed in the final document.</summary>
/// <param name="Site">Name of the site's value in the host graph.</param>
/// <param name="Seed">Number of the seed within the site.</param>
/// <param name="Blueprint">Name of the blueprint; null without a module.</param>
/// <param name="Stage">Name of its stage.</param>
/// <param name="Alpha">Blend weight in [0, 1].</param>
/// <param name="Gain">Validation accuracy with it minus without it, when last measured; null if never.</param>
/// <param name="GainInterval">Half width of the gain's 95 % confidence interval; null if never measured.</param>
/// <param name="Parameters">Number of its parameters.</param>
public sealed record SeedSummary(
    string Site, int Seed, string? Blueprint, string Stage, double Alpha, double? Gain, double? GainInterval, long Parameters);

/// <summary>The result of a run: the document that <c>esper train --json</c> prints, in snake case.</summary>
/// <param name="RunId">Identifier of the run.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Host">Name of the host.</param>
/// <param name="Dataset">Name of the data set.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Seed">Seed of all random choices.</param>
/// <param name="Threads">Number of threads.</param>
/// <param name="Epochs">Epochs done.</param>
/// <param name="ParametersInitial">Trained parameters of the bare host.</param>
/// <param name="ParametersFinal">Trained parameters at the end, modules included.</param>
/// <param name="AccuracyFinal">Accuracy on the test set in [0, 1], read once at the end; null if interrupted.</param>
/// <param name="LossFinal">Mean loss on the test set; null if interrupted.</param>
/// <param name="AccuracyPerEpoch">Validation accuracy after each epoch, in [0, 1].</param>
/// <param name="LossPerEpoch">Mean training loss of each epoch.</param>
/// <param name="TrainFlops">Operations spent on training.</param>
/// <param name="StepMsMedian">Median duration of a training step in milliseconds; null if none was taken.</param>
/// <param name="Seconds">Wall-clock duration over all sittings of the run.</param>
/// <param name="ParametersDigest">SHA-256 over all parameters and buffers at the end, hexadecimal.</param>
/// <param name="Directory">The run directory.</param>
/// <param name="Seeds">All seeds.</param>
/// <param name="OverheadFlops">
/// Those of <paramref name="TrainFlops"/> that trained nothing that stayed: probes, checks, forks, and steps that rollbacks made void.
/// </param>
/// <param name="Rollbacks">Times that the run was taken back.</param>
public sealed record RunSummary(
    string RunId,
    RunOutcome Outcome,
    string Host,
    string Dataset,
    string Policy,
    long Seed,
    int Threads,
    int Epochs,
    long ParametersInitial,
    long ParametersFinal,
    double? AccuracyFinal,
    double? LossFinal,
    ImmutableArray<double> AccuracyPerEpoch,
    ImmutableArray<double> LossPerEpoch,
    double TrainFlops,
    double? StepMsMedian,
    double Seconds,
    string ParametersDigest,
    string Directory,
    ImmutableArray<SeedSummary> Seeds,
    double OverheadFlops = 0,
    int Rollbacks = 0);

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Cli.Tests.Display;

/// <summary>Made-up reports of a run with ten steps an epoch.</summary>
internal static class SampleReports
{
    public const int StepsPerEpoch = 10;

    public static RunInfo Info(int sites = 2, int seeds = 4, int firstEpoch = 1, string host = "resnet8") => new(
        "resnet8-cifar10-0007", host, "cifar10", "thompson", "cpu", 2, 7, 20, firstEpoch, StepsPerEpoch, 128, 45_000, 5_000, 10_000, 78_042,
        81_300_000, [.. Enumerable.Range(0, sites).Select(i => new SiteInfo(i, $"stage{i + 1}/relu", 4 * seeds, [.. Enumerable.Repeat(4, seeds)]))],
        "runs/0007");

    public static StepReport Step(long step) => new(
        (int)((step - 1) / StepsPerEpoch) + 1, (int)((step - 1) % StepsPerEpoch) + 1, StepsPerEpoch, step, 1.25, 0.1, 0.02);

    public static EpochReport Epoch(int epoch, double accuracy, params ImmutableArray<SeedReport> seeds) => new(
        epoch, epoch * StepsPerEpoch, 1.2345, 0.5, 1.3, accuracy, 0.1, 78_234, 1e12, 20.84, 3, 11.42, seeds);

    public static SeedReport Seed(int site, int seed, SeedStage stage, double alpha) => new(
        new SeedId(site, seed), stage, alpha, 1, "lowrank-8", 64, null, null, null, null, null);

    public static LifecycleEvent Event(
        SeedStage from, SeedStage to, int epoch = 3, long step = 34, string reason = "The signal is present.", bool? passed = true) => new(
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), epoch, step, new SeedId(1, 2), from, to, "lowrank-8", "c-1", "lifecycle", reason,
        passed is { } p ? new GateVerdict(Gate.G2, p, false, reason, []) : null);

    public static RunSummary Summary(bool completed = true) => new(
        "resnet8-cifar10-0007", completed ? RunOutcome.Completed : RunOutcome.Interrupted, "resnet8", "cifar10", "thompson", 7, 2, 20, 78_042, 78_234,
        completed ? 0.8725 : null, completed ? 0.41 : null, [0.5, 0.9, 0.88], [2, 1, 0.5], 9.83e12, 20.84, 274, new string('a', 64), "runs/0007",
        [
            new SeedSummary("stage1/relu", 0, "lowrank-8", "Fossilized", 1, 0.004, 0.0018, 64),
            new SeedSummary("stage1/relu", 1, null, "Embargoed", 0, null, null, 0),
            new SeedSummary("stage1/relu", 2, null, "Dormant", 0, null, null, 0),
        ]);
}

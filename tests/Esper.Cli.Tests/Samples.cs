using Esper.Contracts.Runs;

namespace Esper.Cli.Tests;

internal static class Samples
{
    public static RunInfo Info() => new(
        "run-1", "cnn3", "glyphs", "none", "cpu", 1, 0, 2, 1, 4, 8, 32, 8, 8, 100, 1000, [new SiteInfo(0, "block1.out", 8, [4, 4])], "runs/run-1");

    public static RunSummary Summary(RunOutcome outcome) => new(
        "run-1",
        outcome,
        "cnn3",
        "glyphs",
        "none",
        Seed: 0,
        Threads: 1,
        Epochs: 2,
        ParametersInitial: 100,
        ParametersFinal: 132,
        AccuracyFinal: outcome == RunOutcome.Completed ? 0.75 : null,
        LossFinal: outcome == RunOutcome.Completed ? 0.5 : null,
        AccuracyPerEpoch: [0.5, 0.7],
        LossPerEpoch: [1.5, 0.9],
        TrainFlops: 1e9,
        StepMsMedian: 1.5,
        Seconds: 3,
        ParametersDigest: "ab12",
        Directory: "runs/run-1",
        Seeds: [new SeedSummary("block1.out", 0, "lowrank-8+gated", "Fossilized", 1, 0.01, 0.005, 32)]);
}

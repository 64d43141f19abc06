using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

/// <summary>A run on a small host and few images that grows by schedule; takes a second or two.</summary>
internal static class SmallRun
{
    public static RunConfig Config { get; } = new()
    {
        Host = "cnn3:4-8",
        Epochs = 4,
        Batch = 32,
        TrainLimit = 320,
        ValidationFraction = 0.05,
        Threads = 2,
        Seed = 3,
        Optimizer = new OptimizerConfig { LearningRate = 0.05 },
        Lattice = new LatticeConfig { Blueprints = ["bottleneck-4", "affine"], SeedsPerSite = 2 },

        // Gates wide open: these tests are about the machinery, not about whether growth pays on 320 images.
        Lifecycle = new() { SignalMinimum = -1, GainMinimum = -1, RentPerHost = 0, LossBand = 100 },
        Policy = new() { Kind = "schedule", LastFraction = 1 },
        Telemetry = new() { SeedEverySteps = 2, LossEverySteps = 5 },
    };
}

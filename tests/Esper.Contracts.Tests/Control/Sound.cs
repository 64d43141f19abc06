using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Tests.Control;

/// <summary>A state in which everything is as it must be.</summary>
internal static class Sound
{
    public static SystemState State() => new(
        2,
        10,
        7,
        [new EpochObservation(1, 2, 0.3, 2.1, 0.25), new EpochObservation(2, 1.5, 0.5, 1.6, 0.45)],
        [Dormant(new SeedId(0, 0)), Live(new SeedId(0, 1))],
        [Pending(0, new SeedId(0, 1)), Culled(1, new SeedId(0, 0))],
        new GrowthAllowance(1000, 20_000, 500, 10_000));

    private static SeedObservation Dormant(SeedId seed) => new(
        seed, SeedStage.Dormant, 2, 8, null, ["affine"], ["bottleneck-8", "affine"], null, 0, 2, 0.001, new GrowthSignal(0.2, 0.5), 0, 16, null);

    private static SeedObservation Live(SeedId seed) => new(
        seed, SeedStage.Holding, 1, 8, "bottleneck-8", [], [], new Estimate(0.01, 0.005), 1, 2, 0.001, null, 1, 16,
        new SeedSignals(4, 0.5, 2, 0.3, 0.1, 0, -0.2, 0.75));

    private static GraftOutcome Pending(int id, SeedId seed) =>
        new(id, seed, "bottleneck-8", "test", new GraftContext(8, 16, 0, null), 1, 144, 5000, null, null);

    private static GraftOutcome Culled(int id, SeedId seed) => new(
        id, seed, "affine", "test", new GraftContext(8, 16, 1, new GrowthSignal(0.1, 0.2)), 1, 16, 500,
        new GraftEnding(2, GraftEnd.Culled, SeedStage.Holding, "test", "no use"), new Estimate(-0.01, 0.002));
}

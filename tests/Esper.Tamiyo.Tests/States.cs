using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Tests;

/// <summary>Builds states for policy tests.</summary>
internal static class States
{
    public static SeedObservation Dormant(int site, int seed, GrowthSignal? growth = null, params ImmutableArray<string> rejected) =>
        new(new SeedId(site, seed), SeedStage.Dormant, 0, 8, null, rejected, ["bottleneck-8", "affine"], null, 0, 2, 0.001, growth, 0, 16, null);

    public static SeedObservation Holding(int site, int seed, double gain, double half, int evaluations = 2) =>
        new(
            new SeedId(site, seed),
            SeedStage.Holding,
            2,
            8,
            "bottleneck-8",
            [],
            [],
            evaluations > 0 ? new Estimate(gain, half) : null,
            evaluations,
            2,
            0.001,
            null,
            1,
            16,
            null);

    public static SeedObservation In(SeedStage stage, int site, int seed) =>
        Dormant(site, seed) with { Stage = stage, Affordable = [], Blueprint = "affine" };

    /// <summary>A state after as many epochs as there are losses.</summary>
    public static SystemState After(double[] validationLosses, params ImmutableArray<SeedObservation> seeds) => new(
        validationLosses.Length,
        20,
        5,
        [.. validationLosses.Select((loss, index) => new EpochObservation(index + 1, loss, 1 - (loss / 3), loss, 1 - (loss / 3)))],
        seeds,
        [],
        new GrowthAllowance(10_000, 1_000_000, 10_000, 1_000_000));
}

using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Native.Tests;

/// <summary>The managed formulas and the library agree on every blueprint, over blueprints and chunks drawn at random.</summary>
public sealed class ParameterCountProperties
{
    private static Arbitrary<(Blueprint Blueprint, int Channels)> Seeds => (
        from family in Gen.Elements(Enum.GetValues<BlueprintFamily>())
        from rank in Gen.Choose(1, Blueprint.MaximumRank)
        from kernel in Gen.Elements(3, 5, 7)
        from activation in Gen.Elements(Enum.GetValues<BlueprintActivation>())
        from blend in Gen.Elements(Enum.GetValues<BlendMode>())
        from channels in Gen.Choose(1, 4096)
        select (new Blueprint(
            family,
            family is BlueprintFamily.Affine or BlueprintFamily.Depthwise ? 0 : rank,
            activation,
            blend,
            family == BlueprintFamily.Depthwise ? kernel : 0), channels)).ToArbitrary();

    [Fact]
    public void Parameters_are_as_many_on_both_sides() => Prop.ForAll(Seeds, seed =>
        seed.Blueprint.ParameterCount(seed.Channels) == Native(seed.Blueprint).ParameterCount(seed.Channels))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Operations_at_a_position_are_as_many_on_both_sides() => Prop.ForAll(Seeds, seed =>
        seed.Blueprint.ForwardFlops(seed.Channels, 1) - seed.Blueprint.ForwardFlops(seed.Channels, 0)
            == Native(seed.Blueprint).ForwardFlops(seed.Channels))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Initial_parameters_are_finite_and_as_many_as_counted() => Prop.ForAll(Seeds, Gen.Choose(0, int.MaxValue).ToArbitrary(), (seed, key) =>
    {
        int channels = Math.Min(seed.Channels, 64);
        Blueprint blueprint = seed.Blueprint with { Rank = Math.Min(seed.Blueprint.Rank, 64) };
        float[] parameters = Native(blueprint).InitialParameters(channels, (ulong)key);
        return parameters.Length == blueprint.ParameterCount(channels) && parameters.All(float.IsFinite);
    }).QuickCheckThrowOnFailure();

    private static LatticeSeed Native(Blueprint blueprint) => LatticeSeed.For(blueprint, SeedStage.Training, 0);
}

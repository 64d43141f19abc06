using Esper.Contracts.Blueprints;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Contracts.Tests;

/// <summary>Laws that hold for every blueprint, over blueprints drawn at random. A failure names the smallest one found.</summary>
public sealed class BlueprintProperties
{
    private static Arbitrary<Blueprint> Blueprints => (
        from family in Gen.Elements(Enum.GetValues<BlueprintFamily>())
        from rank in Gen.Choose(1, Blueprint.MaximumRank)
        from kernel in Gen.Elements(3, 5, 7)
        from activation in Gen.Elements(Enum.GetValues<BlueprintActivation>())
        from blend in Gen.Elements(Enum.GetValues<BlendMode>())
        select Canonical(new Blueprint(family, rank, activation, blend, kernel))).ToArbitrary();

    [Fact]
    public void A_name_reads_back_as_what_it_names() =>
        Prop.ForAll(Blueprints, blueprint => Blueprint.Parse(blueprint.Name) == blueprint).QuickCheckThrowOnFailure();

    [Fact]
    public void Case_and_space_around_do_not_matter() =>
        Prop.ForAll(Blueprints, blueprint => Blueprint.Parse($"  {blueprint.Name.ToUpperInvariant()} ") == blueprint)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Different_blueprints_have_different_names() =>
        Prop.ForAll(Blueprints, Blueprints, (left, right) => (left == right) == (left.Name == right.Name))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_is_a_blueprint_or_refused_as_a_format() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), Blueprints, (text, blueprint) =>
            IsParsedOrRefused(text.Get) && IsParsedOrRefused(blueprint.Name.Insert(text.Get.Length % blueprint.Name.Length, text.Get)))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Costs_are_positive_and_grow_with_the_chunk_and_the_image() =>
        Prop.ForAll(Blueprints, Gen.Choose(1, 2000).ToArbitrary(), Gen.Choose(1, 5000).ToArbitrary(), (blueprint, channels, positions) =>
            blueprint.ParameterCount(channels) > 0
            && blueprint.ParameterCount(channels + 1) > blueprint.ParameterCount(channels)
            && blueprint.ForwardFlops(channels + 1, positions) > blueprint.ForwardFlops(channels, positions)
            && blueprint.ForwardFlops(channels, positions + 1) > blueprint.ForwardFlops(channels, positions))
            .QuickCheckThrowOnFailure();

    /// <summary>Clears what the family has not, so that equal names mean equal records.</summary>
    private static Blueprint Canonical(Blueprint drawn) => drawn with
    {
        Rank = drawn.Family is BlueprintFamily.Affine or BlueprintFamily.Depthwise ? 0 : drawn.Rank,
        Kernel = drawn.Family == BlueprintFamily.Depthwise ? drawn.Kernel : 0,
        Activation = drawn.HasActivation ? drawn.Activation : BlueprintActivation.Gelu,
    };

    private static bool IsParsedOrRefused(string text)
    {
        try
        {
            return Blueprint.Parse(Blueprint.Parse(text).Name) == Blueprint.Parse(text);
        }
        catch (FormatException)
        {
            return true;
        }
    }
}

using Esper.Contracts.Blueprints;

namespace Esper.Contracts.Tests;

public sealed class BlueprintTests
{
    public static TheoryData<string, BlueprintFamily, int, BlueprintActivation, BlendMode> Names => new()
    {
        { "affine", BlueprintFamily.Affine, 0, BlueprintActivation.Gelu, BlendMode.Convex },
        { "lowrank-8", BlueprintFamily.LowRank, 8, BlueprintActivation.Gelu, BlendMode.Convex },
        { "bottleneck-16", BlueprintFamily.Bottleneck, 16, BlueprintActivation.Gelu, BlendMode.Convex },
        { "bottleneck-4-relu", BlueprintFamily.Bottleneck, 4, BlueprintActivation.Relu, BlendMode.Convex },
        { "bottleneck-4096-silu+gated", BlueprintFamily.Bottleneck, 4096, BlueprintActivation.Silu, BlendMode.Gated },
        { "affine+channel", BlueprintFamily.Affine, 0, BlueprintActivation.Gelu, BlendMode.Channel },
        { "lowrank-1+confidence", BlueprintFamily.LowRank, 1, BlueprintActivation.Gelu, BlendMode.Confidence },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_name_is_the_whole_description(
        string name, BlueprintFamily family, int rank, BlueprintActivation activation, BlendMode blend)
    {
        Blueprint blueprint = Blueprint.Parse(name);
        Assert.Equal(new Blueprint(family, rank, activation, blend), blueprint);
        Assert.Equal(name, blueprint.Name);
        Assert.Equal(blueprint, Blueprint.Parse(blueprint.Name.ToUpperInvariant()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("conv")]
    [InlineData("lowrank")]
    [InlineData("affine-3")]
    [InlineData("bottleneck-8-swish")]
    [InlineData("affine+mixed")]
    [InlineData("affine+gated+gated")]
    [InlineData("affine+2")]
    public void Anything_else_is_refused_with_the_known_forms(string name)
    {
        FormatException error = Assert.Throws<FormatException>(() => Blueprint.Parse(name));
        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("lowrank-RANK", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lowrank-0")]
    [InlineData("lowrank-4097")]
    [InlineData("bottleneck-x")]
    [InlineData("bottleneck-99999999999")]
    public void A_rank_out_of_range_is_named(string name)
    {
        FormatException error = Assert.Throws<FormatException>(() => Blueprint.Parse(name));
        Assert.Contains("1 to 4096", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("affine", 10, 20)]
    [InlineData("lowrank-3", 10, 60)]
    [InlineData("bottleneck-3", 10, 73)]
    [InlineData("bottleneck-3+channel", 10, 83)]
    [InlineData("bottleneck-3+gated", 10, 84)]
    [InlineData("affine+confidence", 1, 2)]
    public void Parameters_are_counted_blend_included(string name, int channels, long expected) =>
        Assert.Equal(expected, Blueprint.Parse(name).ParameterCount(channels));
}

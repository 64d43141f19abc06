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
        { "gate-4", BlueprintFamily.Gate, 4, BlueprintActivation.Gelu, BlendMode.Convex },
        { "gate-4096-relu+gated", BlueprintFamily.Gate, 4096, BlueprintActivation.Relu, BlendMode.Gated },
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
    [InlineData("depthwise-3", 3, BlueprintActivation.Gelu, BlendMode.Convex)]
    [InlineData("depthwise-5-silu", 5, BlueprintActivation.Silu, BlendMode.Convex)]
    [InlineData("depthwise-7+channel", 7, BlueprintActivation.Gelu, BlendMode.Channel)]
    public void Depthwise_has_a_kernel_in_place_of_a_rank(string name, int kernel, BlueprintActivation activation, BlendMode blend)
    {
        Assert.Equal(new Blueprint(BlueprintFamily.Depthwise, 0, activation, blend, kernel), Blueprint.Parse(name));
        Assert.Equal(name, Blueprint.Parse(name).Name);
    }

    [Fact]
    public void Gelu_may_be_named_and_is_left_out_of_the_name()
    {
        Assert.Equal("depthwise-3", Blueprint.Parse("depthwise-3-gelu").Name);
        Assert.Equal("gate-16", Blueprint.Parse(" Gate-16-GELU+Convex ").Name);
    }

    [Fact]
    public void Gate_and_depthwise_read_other_positions()
    {
        string[] mixing = [.. Enum.GetValues<BlueprintFamily>()
            .Where(family => new Blueprint(family, 1, BlueprintActivation.Relu, BlendMode.Convex).MixesPositions)
            .Select(family => family.ToString())];
        Assert.Equal(["Gate", "Depthwise"], mixing);
    }

    [Theory]
    [InlineData("depthwise-4", "kernel '4' is not 3, 5 or 7")]
    [InlineData("depthwise-x", "kernel 'x' is not 3, 5 or 7")]
    [InlineData("depthwise-03", "kernel '03' is not 3, 5 or 7")]
    [InlineData("gate-0", "rank '0' is not a whole number from 1 to 4096")]
    public void A_size_out_of_range_is_named(string name, string what)
    {
        FormatException error = Assert.Throws<FormatException>(() => Blueprint.Parse(name));
        Assert.StartsWith($"Blueprint '{name}': {what}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("conv")]
    [InlineData("lowrank")]
    [InlineData("lowrank-4-relu")]
    [InlineData("gate")]
    [InlineData("depthwise")]
    [InlineData("depthwise-3-relu-relu")]
    [InlineData("dw3")]
    [InlineData("2-3")]
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
    [InlineData("gate-3", 10, 73)]
    [InlineData("depthwise-3", 10, 90 + 10 + 100 + 10)]
    [InlineData("depthwise-7+gated", 2, 98 + 2 + 4 + 2 + 3)]
    public void Parameters_are_counted_blend_included(string name, int channels, long expected) =>
        Assert.Equal(expected, Blueprint.Parse(name).ParameterCount(channels));

    [Theory]
    [InlineData("affine", 10, 7, 7 * 40)]
    [InlineData("lowrank-3", 10, 7, 7 * 140)]
    [InlineData("bottleneck-3", 10, 7, 7 * (120 + 13 + 20))]
    [InlineData("gate-3", 10, 7, (7 * 40) + 120 + 13)]
    [InlineData("gate-3", 10, 0, 120 + 13)]
    [InlineData("depthwise-3", 10, 7, 7 * (180 + 200 + 20 + 20))]
    [InlineData("affine+gated", 10, 1, 40 + 22)]
    public void Operations_are_counted_by_example(string name, int channels, long positions, long expected) =>
        Assert.Equal(expected, Blueprint.Parse(name).ForwardFlops(channels, positions));

    [Theory]
    [InlineData("affine", RiskTier.Low)]
    [InlineData("lowrank-8", RiskTier.Low)]
    [InlineData("lowrank-8+residual", RiskTier.Low)]
    [InlineData("lowrank-8+channel", RiskTier.Medium)]
    [InlineData("bottleneck-16", RiskTier.Medium)]
    [InlineData("gate-4", RiskTier.Medium)]
    [InlineData("bottleneck-16+gated", RiskTier.High)]
    [InlineData("gate-4+confidence", RiskTier.High)]
    [InlineData("depthwise-3", RiskTier.High)]
    [InlineData("depthwise-3+channel", RiskTier.High)]
    public void Risk_follows_family_and_blend(string name, RiskTier expected) => Assert.Equal(expected, Blueprint.Parse(name).RiskTier);
}

using System.Collections.Immutable;
using Esper.Contracts.Blueprints;

namespace Esper.Cli.Catalog;

/// <summary>A blueprint as <c>esper blueprints --json</c> shows it.</summary>
/// <param name="Name">Name for <c>--blueprints</c>.</param>
/// <param name="Family">Its family.</param>
/// <param name="Rank">Width of the hidden layer; 0 for affine and depthwise.</param>
/// <param name="Kernel">Side of the kernel of depthwise; 0 for the other families.</param>
/// <param name="Activation">Activation; null where the family has none.</param>
/// <param name="Blend">Blend mode.</param>
/// <param name="RiskTier">How much it can do to its host if it learns something wrong.</param>
/// <param name="ImagesOnly">Whether it mixes positions and so suits image sites alone.</param>
/// <param name="Parameters">Parameters over the chunk.</param>
/// <param name="Flops">FLOPs of the forward pass at one position.</param>
/// <param name="ExampleFlops">FLOPs that come once an example, whatever the number of positions.</param>
internal sealed record BlueprintDocument(
    string Name,
    BlueprintFamily Family,
    int Rank,
    int Kernel,
    BlueprintActivation? Activation,
    BlendMode Blend,
    RiskTier RiskTier,
    bool ImagesOnly,
    long Parameters,
    long Flops,
    long ExampleFlops);

/// <summary>A form, an activation or a blend mode, in words.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Formula">What it computes.</param>
/// <param name="Description">What it is for.</param>
internal sealed record TermDocument(string Name, string Formula, string Description);

/// <summary>What <c>esper blueprints --json</c> prints.</summary>
/// <param name="Channels">Channels of the chunk that figures hold for.</param>
/// <param name="Families">Forms of names.</param>
/// <param name="Activations">Activations of the hidden layer of bottleneck, gate and depthwise.</param>
/// <param name="Blends">Blend modes.</param>
/// <param name="Blueprints">A selection of blueprints; every rank from 1 to 4096 is one, every family with a hidden layer takes every activation.</param>
internal sealed record BlueprintsDocument(
    int Channels,
    ImmutableArray<TermDocument> Families,
    ImmutableArray<TermDocument> Activations,
    ImmutableArray<TermDocument> Blends,
    ImmutableArray<BlueprintDocument> Blueprints);

/// <summary>The blueprints, in words and figures.</summary>
internal static class BlueprintCatalog
{
    private static readonly string[] Names =
    [
        "affine", "lowrank-4", "lowrank-8", "lowrank-16", "bottleneck-8", "bottleneck-16", "bottleneck-32", "bottleneck-64",
        "bottleneck-16-relu", "gate-4", "gate-16", "depthwise-3", "depthwise-5", "depthwise-7", "lowrank-8+channel", "lowrank-8+gated",
    ];

    /// <summary>Forms of names.</summary>
    public static ImmutableArray<TermDocument> Families { get; } =
    [
        new("affine", "g(x) = u * x + t", "scale and shift of each channel"),
        new("lowrank-RANK", "g(x) = B (A x)", "linear map of low rank (LoRA)"),
        new("bottleneck-RANK[-ACTIVATION]", "g(x) = W2 act(W1 x + b1) + b2", "two layers with an activation between, gelu unless named"),
        new("gate-RANK[-ACTIVATION]", "g(x) = x tanh(s / 2)",
            "squeeze-excite: s = W2 act(W1 m + b1) + b2 of the mean m over the positions of an example; images only"),
        new("depthwise-K[-ACTIVATION]", "g(x) = W2 act(K * x + b1) + b2",
            "a K x K convolution of each channel, K = 3, 5 or 7, and a mix of the channels; images only"),
    ];

    /// <summary>Activations of the hidden layer of bottleneck, gate and depthwise.</summary>
    public static ImmutableArray<TermDocument> Activations { get; } =
    [
        new("relu", "max(x, 0)", "cheapest"),
        new("gelu", "x Phi(x)", "the default, exact"),
        new("silu", "x sigmoid(x)", "smooth, cheaper than gelu"),
        new("tanh", "tanh(x)", "bounded in (-1, 1)"),
        new("sigmoid", "1 / (1 + exp(-x))", "bounded in (0, 1)"),
    ];

    /// <summary>Blend modes.</summary>
    public static ImmutableArray<TermDocument> Blends { get; } =
    [
        new("convex", "w = alpha", "y = (1 - w) h + w (x + g(x)); the default"),
        new("residual", "w = alpha", "the same value, written h + w g(x)"),
        new("channel", "w = clamp(alpha v, 0, 1)", "one learned weight a channel"),
        new("gated", "w = alpha sigmoid(q x + p)", "a learned gate at each position"),
        new("confidence", "w = clamp(alpha sigmoid(k (m - tau)), lo, hi)", "follows the margin m between the two best classes"),
    ];

    /// <summary>Risk tiers.</summary>
    public static ImmutableArray<TermDocument> Tiers { get; } =
    [
        new("low", "affine, lowrank", "linear, position by position"),
        new("medium", "bottleneck, gate", "not linear, or reads other positions but adds less than the host's own value"),
        new("high", "depthwise", "mixes positions without a bound"),
    ];

    /// <summary>The selection shown, over a chunk.</summary>
    public static ImmutableArray<BlueprintDocument> Over(int channels) => [.. Names.Select(name => Describe(name, channels))];

    private static BlueprintDocument Describe(string name, int channels)
    {
        Blueprint blueprint = Blueprint.Parse(name);
        return new BlueprintDocument(
            blueprint.Name,
            blueprint.Family,
            blueprint.Rank,
            blueprint.Kernel,
            blueprint.HasActivation ? blueprint.Activation : null,
            blueprint.Blend,
            blueprint.RiskTier,
            blueprint.MixesPositions,
            blueprint.ParameterCount(channels),
            blueprint.ForwardFlops(channels, positions: 1) - blueprint.ForwardFlops(channels, positions: 0),
            blueprint.ForwardFlops(channels, positions: 0));
    }
}

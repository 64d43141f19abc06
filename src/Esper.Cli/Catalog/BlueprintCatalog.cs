using System.Collections.Immutable;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Cli.Catalog;

/// <summary>A blueprint as <c>esper blueprints --json</c> shows it.</summary>
/// <param name="Name">Name for <c>--blueprints</c>.</param>
/// <param name="Family">Its family.</param>
/// <param name="Rank">Width of the hidden layer; 0 without one.</param>
/// <param name="Activation">Activation; null where the family has none.</param>
/// <param name="Blend">Blend mode.</param>
/// <param name="Parameters">Parameters over the chunk.</param>
/// <param name="Flops">FLOPs of the forward pass at one position.</param>
internal sealed record BlueprintDocument(
    string Name, BlueprintFamily Family, int Rank, BlueprintActivation? Activation, BlendMode Blend, long Parameters, long Flops);

/// <summary>A form, an activation or a blend mode, in words.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Formula">What it computes.</param>
/// <param name="Description">What it is for.</param>
internal sealed record TermDocument(string Name, string Formula, string Description);

/// <summary>What <c>esper blueprints --json</c> prints.</summary>
/// <param name="Channels">Channels of the chunk that figures hold for.</param>
/// <param name="Families">Forms of names.</param>
/// <param name="Activations">Activations of a bottleneck.</param>
/// <param name="Blends">Blend modes.</param>
/// <param name="Blueprints">A selection of blueprints; every rank from 1 to 4096 is one.</param>
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
        "bottleneck-16-relu", "lowrank-8+channel", "lowrank-8+gated",
    ];

    /// <summary>Forms of names.</summary>
    public static ImmutableArray<TermDocument> Families { get; } =
    [
        new("affine", "g(x) = u * x + t", "scale and shift of each channel"),
        new("lowrank-RANK", "g(x) = B (A x)", "linear map of low rank (LoRA)"),
        new("bottleneck-RANK[-ACTIVATION]", "g(x) = W2 act(W1 x + b1) + b2", "two layers with an activation between, gelu unless named"),
    ];

    /// <summary>Activations of a bottleneck.</summary>
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

    /// <summary>The selection shown, over a chunk.</summary>
    /// <exception cref="NativeLibraryException">libesper, which knows the FLOPs, cannot be loaded.</exception>
    public static ImmutableArray<BlueprintDocument> Over(int channels) => [.. Names.Select(name => Describe(name, channels))];

    private static BlueprintDocument Describe(string name, int channels)
    {
        Blueprint blueprint = Blueprint.Parse(name);
        return new BlueprintDocument(
            blueprint.Name,
            blueprint.Family,
            blueprint.Rank,
            blueprint.Family == BlueprintFamily.Bottleneck ? blueprint.Activation : null,
            blueprint.Blend,
            blueprint.ParameterCount(channels),
            LatticeSeed.For(blueprint, SeedStage.Holding, alpha: 1).ForwardFlops(channels));
    }
}

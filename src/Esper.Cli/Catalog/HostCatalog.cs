using System.Collections.Immutable;
using Esper.Graph;
using Esper.Graph.Onnx;

namespace Esper.Cli.Catalog;

/// <summary>A host as <c>esper hosts --json</c> shows it.</summary>
/// <param name="Name">Specification for <c>--host</c>.</param>
/// <param name="Parameters">Trained parameters.</param>
/// <param name="Flops">FLOPs of one example's forward pass.</param>
/// <param name="Input">What it reads, with the sizes that the figures hold for.</param>
/// <param name="Sites">Patterns of its default sites.</param>
/// <param name="Description">One sentence.</param>
internal sealed record HostDocument(
    string Name, long Parameters, long Flops, string Input, ImmutableArray<string> Sites, string Description);

/// <summary>A node as <c>esper hosts NAME --json</c> shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Output">Shape of its first output.</param>
/// <param name="Parameters">Trained parameters.</param>
/// <param name="Flops">FLOPs of one example's forward pass.</param>
internal sealed record HostNodeDocument(string Name, string Op, string Output, long Parameters, long Flops);

/// <summary>A host with its nodes.</summary>
/// <param name="Host">The host.</param>
/// <param name="Nodes">Its nodes in order of execution.</param>
internal sealed record HostDetailDocument(HostDocument Host, ImmutableArray<HostNodeDocument> Nodes);

/// <summary>Builds hosts for show, over inputs of customary size.</summary>
internal static class HostCatalog
{
    /// <summary>The image input that figures are shown for: that of CIFAR-10 and of the built-in glyphs.</summary>
    public static ImageInput Images { get; } = new(3, 32, 32, 10);

    /// <summary>The text input that figures are shown for.</summary>
    public static TextInput Tokens { get; } = new(Vocabulary: 65, Context: 128);

    /// <summary>Builds a host and describes it.</summary>
    /// <exception cref="GraphException">The specification is unknown; the message suggests the nearest name.</exception>
    public static Entry Describe(string spec)
    {
        HostInput input = IsText(spec) ? Tokens : Images;
        HostPreset preset = HostPresets.Create(spec, input);
        GraphCost cost = GraphCost.Of(preset.Graph);
        return new Entry(
            preset,
            cost,
            new HostDocument(
                preset.Name, cost.Parameters, cost.ForwardFlops, input.ToString(), preset.DefaultSites, preset.Description));
    }

    /// <summary>What is wrong with a host specification, whatever the size of its data; null if nothing is.</summary>
    public static string? Objection(string spec)
    {
        // A file is read when the data are known, which decide the sizes of its input.
        if (OnnxHost.Names(spec))
        {
            return File.Exists(spec) ? null : $"there is no file {spec}";
        }

        try
        {
            // Large enough for every number of halvings, so that only the specification itself can be at fault.
            HostPresets.Create(spec, IsText(spec) ? Tokens : new ImageInput(3, 1024, 1024, 10));
            return null;
        }
        catch (GraphException e)
        {
            return e.Message;
        }
    }

    /// <summary>The nodes of a host.</summary>
    public static ImmutableArray<HostNodeDocument> NodesOf(Entry host)
    {
        GraphShapes shapes = ShapeInference.Infer(host.Preset.Graph);
        return
        [
            .. host.Preset.Graph.Nodes.Zip(host.Cost.Nodes, (node, cost) => new HostNodeDocument(
                node.Name, node.QualifiedOp, shapes[node.Outputs[0]].Shape.ToString(), cost.Parameters, cost.Flops)),
        ];
    }

    private static bool IsText(string spec) => spec.Trim().StartsWith("char-gpt", StringComparison.OrdinalIgnoreCase);

    /// <summary>A host for show.</summary>
    /// <param name="Preset">The host.</param>
    /// <param name="Cost">Its costs.</param>
    /// <param name="Document">What is shown of it.</param>
    internal sealed record Entry(HostPreset Preset, GraphCost Cost, HostDocument Document)
    {
        /// <summary>Names of the values that carry lattices by default.</summary>
        public ImmutableArray<string> DefaultSiteNames() =>
            [.. LatticeWrapping.Wrap(Preset.Graph, Preset.DefaultSites, seedsPerSite: 1).Sites.Select(site => site.ValueName)];
    }
}

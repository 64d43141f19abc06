using System.Collections.Immutable;

namespace Esper.Native;

/// <summary>A host graph as the training host takes it: values by number, nodes in an order of execution.</summary>
public sealed record HostGraphDescription
{
    /// <summary>Number that stands for "none" in <see cref="Loss"/>, <see cref="Logits"/> and <see cref="Labels"/>.</summary>
    public const int None = -1;

    /// <summary>Values; a value's number is its position.</summary>
    public required ImmutableArray<HostValue> Values { get; init; }

    /// <summary>Nodes in an order in which every value is produced before it is used.</summary>
    public required ImmutableArray<HostNode> Nodes { get; init; }

    /// <summary>Value numbers of the graph's outputs.</summary>
    public ImmutableArray<int> Outputs { get; init; } = [];

    /// <summary>Value number of the scalar training loss (mean over examples).</summary>
    public int Loss { get; init; } = None;

    /// <summary>Value number of the class scores [N, K] or [N, K, ...].</summary>
    public int Logits { get; init; } = None;

    /// <summary>Value number of the int64 input with class numbers.</summary>
    public int Labels { get; init; } = None;
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>What a host is trained to do.</summary>
public enum HostTask
{
    /// <summary>One class an image.</summary>
    ImageClassification,

    /// <summary>The next token at each position.</summary>
    NextToken,
}

/// <summary>A ready-made host.</summary>
/// <param name="Name">Its specification in canonical form, such as <c>cnn3:16-32-64</c>.</param>
/// <param name="Graph">The graph: from inputs to logits and loss.</param>
/// <param name="DefaultSites">Patterns of the values that carry lattices by default.</param>
/// <param name="Description">One sentence for people.</param>
/// <param name="Task">What it is trained to do.</param>
public sealed record HostPreset(
    string Name, HostGraph Graph, ImmutableArray<string> DefaultSites, string Description, HostTask Task);

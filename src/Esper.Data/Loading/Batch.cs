using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// Examples that a model sees at once. Its memory belongs to the loader, lies still (the arrays are pinned), and holds
/// these values until the loader's next <see cref="IBatchLoader.TryNext"/>, <see cref="IBatchLoader.StartEpoch"/> or
/// disposal.
/// </summary>
public sealed class Batch
{
    /// <summary>Creates a batch.</summary>
    public Batch(ImmutableArray<BatchInput> inputs, ReadOnlyMemory<int> indices)
    {
        Inputs = inputs;
        Indices = indices;
    }

    /// <summary>
    /// Tensors in the order in which a model takes them: <c>images</c> [Count, channels, height, width] float32 or
    /// <c>tokens</c> [Count, context] int64, and then <c>labels</c>, [Count] or [Count, context], int64.
    /// </summary>
    public ImmutableArray<BatchInput> Inputs { get; }

    /// <summary>The last input: the class of each image, or the token that follows each token.</summary>
    public ReadOnlyMemory<long> Labels => Inputs[^1].Integers;

    /// <summary>Examples in the batch.</summary>
    public int Count => Indices.Length;

    /// <summary>
    /// Which examples these are: index of the image in its part of the data set, or of a window's first token.
    /// </summary>
    public ReadOnlyMemory<int> Indices { get; }
}

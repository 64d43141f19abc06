using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>How an ONNX model becomes a host.</summary>
public sealed record ImportOptions
{
    /// <summary>Shapes that replace those of the file's inputs, by name; -1 is the batch size.</summary>
    public ImmutableDictionary<string, TensorShape> InputShapes { get; init; } = ImmutableDictionary<string, TensorShape>.Empty;

    /// <summary>
    /// Whether BatchNormalization and Dropout live: statistics of the batch, kept running, and masks in training mode. Otherwise the
    /// statistics are constants and Dropout passes its input on, in training mode too.
    /// </summary>
    public bool Live { get; init; } = true;

    /// <summary>Patterns of parameter names (<c>*</c> any text, <c>?</c> one character) that are not trained.</summary>
    public ImmutableArray<string> Frozen { get; init; } = [];
}

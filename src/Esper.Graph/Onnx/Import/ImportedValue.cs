namespace Esper.Graph.Onnx;

/// <summary>What a name of the file stands for.</summary>
/// <param name="Name">The host's value.</param>
/// <param name="Type">Its type.</param>
internal sealed record ImportedValue(string Name, TensorType Type)
{
    /// <summary>Its content, where that is known before the batch is; such values have no node until one needs them.</summary>
    public KnownTensor? Known { get; init; }

    /// <summary>The tensor of the file that it is, if any.</summary>
    public OnnxTensor? Tensor { get; init; }

    /// <summary>Whether the file calls it a fixed part of the program (a Constant node) and not a tensor of the model.</summary>
    public bool IsLiteral { get; init; }

    /// <summary>Whether the host's graph has it already: inputs, and what a node makes.</summary>
    public bool InGraph { get; init; }

    /// <summary>Whether it may become a parameter.</summary>
    public bool IsTrainable => Tensor is not null && !IsLiteral && Type.ElementType == ElementType.Float32;
}

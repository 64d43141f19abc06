namespace Esper.Graph.Onnx;

/// <summary>Element types of files as hosts compute them: halves as Float32, narrow integers as Int64.</summary>
internal static class ElementTypes
{
    /// <summary>The host's element type; null for texts, complex numbers and what else no host computes.</summary>
    public static ElementType? Of(long type) => type switch
    {
        OnnxElementType.Float or OnnxElementType.Float16 or OnnxElementType.BFloat16 => ElementType.Float32,
        OnnxElementType.Double => ElementType.Float64,
        OnnxElementType.UInt8 => ElementType.UInt8,
        OnnxElementType.Bool => ElementType.Bool,
        OnnxElementType.Int8 or OnnxElementType.UInt16 or OnnxElementType.Int16 or OnnxElementType.Int32 or OnnxElementType.Int64
            or OnnxElementType.UInt32 or OnnxElementType.UInt64 => ElementType.Int64,
        _ => null,
    };
}

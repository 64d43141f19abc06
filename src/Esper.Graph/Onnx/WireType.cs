namespace Esper.Graph.Onnx;

/// <summary>How a field lies in the protocol buffer format.</summary>
internal enum WireType
{
    /// <summary>A number of 1 to 10 bytes.</summary>
    Varint = 0,

    /// <summary>8 bytes, least significant first.</summary>
    Fixed64 = 1,

    /// <summary>A length and as many bytes.</summary>
    Bytes = 2,

    /// <summary>4 bytes, least significant first.</summary>
    Fixed32 = 5,
}

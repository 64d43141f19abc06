namespace Esper.Graph;

/// <summary>Element type of a tensor. The numbers are ONNX's and those of <c>esper_host_dtype</c>.</summary>
public enum ElementType
{
    /// <summary>IEEE binary32.</summary>
    Float32 = 1,

    /// <summary>Unsigned byte.</summary>
    UInt8 = 2,

    /// <summary>Signed 64-bit integer.</summary>
    Int64 = 7,

    /// <summary>Truth value, one byte.</summary>
    Bool = 9,

    /// <summary>IEEE binary64.</summary>
    Float64 = 11,
}

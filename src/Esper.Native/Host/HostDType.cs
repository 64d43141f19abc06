namespace Esper.Native;

/// <summary>Element types, numbered as in ONNX.</summary>
public enum HostDType
{
    /// <summary>IEEE binary32.</summary>
    Float32 = 1,

    /// <summary>Unsigned byte.</summary>
    UInt8 = 2,

    /// <summary>64-bit integer.</summary>
    Int64 = 7,

    /// <summary>Truth value, one byte.</summary>
    Bool = 9,

    /// <summary>IEEE binary64.</summary>
    Float64 = 11,
}

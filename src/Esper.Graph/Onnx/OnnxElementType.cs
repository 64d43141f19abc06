namespace Esper.Graph.Onnx;

/// <summary>Element types of ONNX tensors, with the format's numbers.</summary>
internal static class OnnxElementType
{
    public const int Float = 1;
    public const int UInt8 = 2;
    public const int Int8 = 3;
    public const int UInt16 = 4;
    public const int Int16 = 5;
    public const int Int32 = 6;
    public const int Int64 = 7;
    public const int String = 8;
    public const int Bool = 9;
    public const int Float16 = 10;
    public const int Double = 11;
    public const int UInt32 = 12;
    public const int UInt64 = 13;
    public const int BFloat16 = 16;

    private static readonly string[] Names =
    [
        "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double", "uint32",
        "uint64", "complex64", "complex128", "bfloat16",
    ];

    /// <summary>Bytes of an element as it lies in a file; 0 of types that are not known here.</summary>
    public static int Size(int type) => type switch
    {
        UInt8 or Int8 or Bool => 1,
        UInt16 or Int16 or Float16 or BFloat16 => 2,
        Float or Int32 or UInt32 => 4,
        Int64 or Double or UInt64 => 8,
        _ => 0,
    };

    /// <summary>Whether its numbers have fractions.</summary>
    public static bool IsReal(int type) => type is Float or Double or Float16 or BFloat16;

    /// <summary>Name, as in ONNX's documentation.</summary>
    public static string Name(int type) => type >= 0 && type < Names.Length ? Names[type] : $"element type {type}";
}

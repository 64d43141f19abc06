using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>A tensor as a file holds it. Its content is looked at when it is asked for, and only then checked against its shape.</summary>
public sealed record OnnxTensor
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Element type, as ONNX numbers them.</summary>
    public int ElementType { get; init; }

    /// <summary>Extents.</summary>
    public ImmutableArray<long> Extents { get; init; } = [];

    /// <summary>Content, little endian and row-major; null where it stands in a list, or in another file.</summary>
    public ReadOnlyMemory<byte>? Raw { get; init; }

    /// <summary>Content of float tensors.</summary>
    public ImmutableArray<float> Floats { get; init; } = [];

    /// <summary>Content of double tensors.</summary>
    public ImmutableArray<double> Doubles { get; init; } = [];

    /// <summary>Content of all other number types; float16 and bfloat16 as their bits.</summary>
    public ImmutableArray<long> Integers { get; init; } = [];

    /// <summary>Where the content lies, if in another file: <c>location</c>, <c>offset</c>, <c>length</c>.</summary>
    public ImmutableSortedDictionary<string, string>? External { get; init; }

    /// <summary>The tensor as error messages name it.</summary>
    public string Place => $"tensor '{Name}' ({OnnxElementType.Name(ElementType)}[{string.Join(", ", Extents)}])";

    /// <summary>Number of elements.</summary>
    /// <exception cref="OnnxFormatException">An extent is negative, or their product leaves 63 bits.</exception>
    public long Count
    {
        get
        {
            // A product with a 0 in it is 0, however large the others are: that is checked first, so that none overflows for nothing.
            if (Extents.Any(extent => extent < 0))
            {
                throw Fail("it has a negative extent");
            }

            long count = Extents.Contains(0) ? 0 : 1;
            foreach (long extent in Extents)
            {
                count = count == 0 || count <= long.MaxValue / extent ? count * extent : throw Fail("it has more than 2^63 elements");
            }

            return count;
        }
    }

    /// <summary>Content as real numbers.</summary>
    /// <param name="external">The bytes of a tensor whose content is in another file.</param>
    /// <exception cref="OnnxFormatException">The content does not fill the shape, or is of a type without numbers.</exception>
    public float[] ToFloats(Func<OnnxTensor, ReadOnlyMemory<byte>> external)
    {
        ArgumentNullException.ThrowIfNull(external);
        if (Bytes(external) is { } bytes)
        {
            return ReadReals(bytes.Span);
        }

        return ElementType switch
        {
            OnnxElementType.Float => Filled(Floats).AsSpan().ToArray(),
            OnnxElementType.Double => [.. Filled(Doubles).Select(value => (float)value)],
            OnnxElementType.Float16 => [.. Filled(Integers).Select(bits => (float)BitConverter.UInt16BitsToHalf(unchecked((ushort)bits)))],
            OnnxElementType.BFloat16 => [.. Filled(Integers).Select(bits => BitConverter.UInt32BitsToSingle((uint)unchecked((ushort)bits) << 16))],
            _ => [.. Filled(Integers).Select(value => (float)value)],
        };
    }

    /// <summary>Content of a double tensor.</summary>
    /// <param name="external">The bytes of a tensor whose content is in another file.</param>
    /// <exception cref="OnnxFormatException">The content does not fill the shape, or is of another type.</exception>
    public double[] ToDoubles(Func<OnnxTensor, ReadOnlyMemory<byte>> external)
    {
        ArgumentNullException.ThrowIfNull(external);
        if (ElementType != OnnxElementType.Double)
        {
            throw Fail("numbers of 64 bits are expected");
        }

        if (Bytes(external) is not { } bytes)
        {
            return Filled(Doubles).AsSpan().ToArray();
        }

        double[] values = new double[bytes.Length / 8];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes.Span[(8 * i)..]);
        }

        return values;
    }

    /// <summary>Content as whole numbers.</summary>
    /// <param name="external">The bytes of a tensor whose content is in another file.</param>
    /// <exception cref="OnnxFormatException">The content does not fill the shape, or its numbers have fractions.</exception>
    public long[] ToIntegers(Func<OnnxTensor, ReadOnlyMemory<byte>> external)
    {
        ArgumentNullException.ThrowIfNull(external);
        if (OnnxElementType.IsReal(ElementType))
        {
            throw Fail("whole numbers are expected");
        }

        return Bytes(external) is { } bytes ? ReadIntegers(bytes.Span) : Filled(Integers).AsSpan().ToArray();
    }

    // What the list or the bytes hold is compared with the shape before anything of the shape's size is made.
    private ImmutableArray<T> Filled<T>(ImmutableArray<T> list) =>
        list.Length == Count ? list : throw Fail($"{list.Length} numbers do not fill its shape");

    private ReadOnlyMemory<byte>? Bytes(Func<OnnxTensor, ReadOnlyMemory<byte>> external)
    {
        int size = OnnxElementType.Size(ElementType);
        if (size == 0)
        {
            throw Fail("tensors of this element type are not supported");
        }

        ReadOnlyMemory<byte>? bytes = External is null ? Raw : external(this);
        return bytes is not { } content || (content.Length % size == 0 && content.Length / size == Count)
            ? bytes
            : throw Fail($"{content.Length} bytes do not fill its shape");
    }

    private float[] ReadReals(ReadOnlySpan<byte> bytes)
    {
        int size = OnnxElementType.Size(ElementType);
        float[] values = new float[bytes.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> one = bytes.Slice(i * size, size);
            values[i] = ElementType switch
            {
                OnnxElementType.Float => BinaryPrimitives.ReadSingleLittleEndian(one),
                OnnxElementType.Double => (float)BinaryPrimitives.ReadDoubleLittleEndian(one),
                OnnxElementType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(one),
                OnnxElementType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(one) << 16),
                _ => ReadInteger(one),
            };
        }

        return values;
    }

    private long[] ReadIntegers(ReadOnlySpan<byte> bytes)
    {
        int size = OnnxElementType.Size(ElementType);
        long[] values = new long[bytes.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ReadInteger(bytes.Slice(i * size, size));
        }

        return values;
    }

    private long ReadInteger(ReadOnlySpan<byte> one) => ElementType switch
    {
        OnnxElementType.UInt8 => one[0],
        OnnxElementType.Bool => one[0] == 0 ? 0 : 1,
        OnnxElementType.Int8 => unchecked((sbyte)one[0]),
        OnnxElementType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(one),
        OnnxElementType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(one),
        OnnxElementType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(one),
        OnnxElementType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(one),
        _ => BinaryPrimitives.ReadInt64LittleEndian(one),
    };

    private OnnxFormatException Fail(string what) => new($"{Place}: {what}");
}

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Esper.Data;

/// <summary>Reads and writes NumPy's .npy files (format versions 1 to 3): one array each.</summary>
public static partial class NpyFile
{
    private const int LongestHeader = 1 << 16;
    private static readonly byte[] Magic = [0x93, .. "NUMPY"u8];

    /// <summary>Reads an array.</summary>
    /// <exception cref="DataException">It cannot be read, is no .npy file, or holds what is not read here; the message says what.</exception>
    public static NpyArray Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes an array; a file of that name is replaced.</summary>
    public static void Write(string path, NpyArray array)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(array);
        string order = BitConverter.IsLittleEndian ? "<" : ">";
        string type = array.Type switch
        {
            NpyType.Bool => "|b1",
            NpyType.UInt8 => "|u1",
            NpyType.Int64 => order + "i8",
            NpyType.Float32 => order + "f4",
            _ => order + "f8",
        };
        string shape = array.Shape.Length == 1 ? $"({array.Shape[0]},)" : $"({string.Join(", ", array.Shape)})";
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}";

        // The elements start at a multiple of 64 bytes, behind a line feed.
        int length = ((Magic.Length + 4 + header.Length + 1 + 63) / 64 * 64) - Magic.Length - 4;
        using FileStream stream = File.Create(path);
        stream.Write(Magic);
        stream.Write([1, 0, (byte)(length & 255), (byte)(length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(header.PadRight(length - 1) + "\n"));
        stream.Write(array.Content);
    }

    private static NpyArray Parse(string path, byte[] file)
    {
        DataException Fail(string what) => new($"{path}: {what}");
        if (file.Length < 12 || !file.AsSpan(0, Magic.Length).SequenceEqual(Magic))
        {
            throw Fail("it is no .npy file; write it with numpy.save");
        }

        int at = file[6] == 1 ? 10 : 12;
        long length = file[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(8));
        if (file[6] is < 1 or > 3 || length > LongestHeader || at + length > file.Length)
        {
            throw Fail("its header is damaged");
        }

        string header = Encoding.UTF8.GetString(file, at, (int)length);
        Match descr = Description().Match(header), shape = Extents().Match(header);
        if (!descr.Success || !shape.Success)
        {
            throw Fail("its header is damaged");
        }

        ImmutableArray<long> extents =
        [
            .. shape.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long extent) ? extent : throw Fail("its shape is damaged")),
        ];
        if (header.Contains("'fortran_order': True", StringComparison.Ordinal) && extents.Count(extent => extent != 1) > 1)
        {
            throw Fail("it is stored column by column; write it with numpy.save(path, numpy.ascontiguousarray(a))");
        }

        Int128 count = extents.Aggregate((Int128)1, (product, extent) => product > int.MaxValue ? product : product * extent);
        return Elements(descr.Groups[1].Value, extents, count, file.AsMemory(at + (int)length), Fail);
    }

    private static NpyArray Elements(
        string type, ImmutableArray<long> shape, Int128 count, ReadOnlyMemory<byte> content, Func<string, DataException> fail)
    {
        (NpyType wide, int size) = type.TrimStart('<', '|', '=') switch
        {
            "b1" => (NpyType.Bool, 1),
            "u1" => (NpyType.UInt8, 1),
            "i1" => (NpyType.Int64, 1),
            "i2" or "u2" => (NpyType.Int64, 2),
            "i4" or "u4" => (NpyType.Int64, 4),
            "i8" => (NpyType.Int64, 8),
            "f2" => (NpyType.Float32, 2),
            "f4" => (NpyType.Float32, 4),
            "f8" => (NpyType.Float64, 8),
            _ => throw fail($"its elements are '{type}'; little-endian b1, u1, u2, u4, i1, i2, i4, i8, f2, f4 and f8 are read"),
        };
        if (count * size != content.Length)
        {
            throw fail($"{content.Length} bytes do not fill the shape [{string.Join(", ", shape)}] of '{type}'");
        }

        if (NpyArray.SizeOf(wide) == size)
        {
            return new NpyArray(wide, shape, content.ToArray());
        }

        byte[] widened = new byte[(int)count * NpyArray.SizeOf(wide)];
        for (int i = 0; i < (int)count; i++)
        {
            ReadOnlySpan<byte> one = content.Span.Slice(i * size, size);
            if (wide == NpyType.Float32)
            {
                MemoryMarshal.Write(widened.AsSpan(4 * i), (float)BinaryPrimitives.ReadHalfLittleEndian(one));
            }
            else
            {
                MemoryMarshal.Write(widened.AsSpan(8 * i), Integer(one, type.Contains('u', StringComparison.Ordinal)));
            }
        }

        return new NpyArray(wide, shape, widened);
    }

    private static long Integer(ReadOnlySpan<byte> one, bool unsigned) => (one.Length, unsigned) switch
    {
        (1, _) => (sbyte)one[0],
        (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(one),
        (2, false) => BinaryPrimitives.ReadInt16LittleEndian(one),
        (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(one),
        _ => BinaryPrimitives.ReadInt32LittleEndian(one),
    };

    [GeneratedRegex("'descr'\\s*:\\s*'([^']*)'")]
    private static partial Regex Description();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([^)]*)\\)")]
    private static partial Regex Extents();
}

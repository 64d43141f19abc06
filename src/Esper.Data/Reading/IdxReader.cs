using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Compression;

namespace Esper.Data;

/// <summary>Content of an IDX file of unsigned bytes.</summary>
/// <param name="Dims">Its dimensions, outermost first.</param>
/// <param name="Values">Its values, row-major.</param>
internal sealed record IdxContent(ImmutableArray<int> Dims, byte[] Values);

/// <summary>
/// IDX, the format of MNIST: two zero bytes, a type (8 = unsigned byte), the number of dimensions, each dimension as a
/// big-endian 32-bit number, then the values. Plain, or compressed with gzip. A header is believed only as far as the
/// file bears it out.
/// </summary>
internal static class IdxReader
{
    private const int UnsignedByteMagic = 0x0800;

    /// <summary>What one file may hold; many times the largest data set in this format.</summary>
    private const long MaximumBytes = 1L << 30;
    private const int FirstChunk = 1 << 20;
    private const string EndOfFile = "the end of the file";

    /// <summary>Reads a file that must have this number of dimensions.</summary>
    /// <exception cref="DataException">The file is damaged, or something else.</exception>
    public static IdxContent Read(string file, int rank, CancellationToken cancellationToken)
    {
        using FileStream raw = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        if (!file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            return Read(file, rank, raw, raw.Length, cancellationToken);
        }

        using GZipStream unzipped = new(raw, CompressionMode.Decompress);
        return Read(file, rank, unzipped, knownLength: null, cancellationToken);
    }

    private static IdxContent Read(
        string file, int rank, Stream stream, long? knownLength, CancellationToken cancellationToken)
    {
        byte[] header = new byte[4 + (4 * rank)];
        int got = ReadUpTo(file, stream, header, 0);
        if (got < 4)
        {
            throw DataException.At(file, got, $"a header of {header.Length} bytes", EndOfFile);
        }

        int magic = BinaryPrimitives.ReadInt32BigEndian(header);
        if (magic != UnsignedByteMagic + rank)
        {
            throw DataException.At(
                file, 0, $"0x{UnsignedByteMagic + rank:X8} (IDX, unsigned bytes, {rank} dimension{(rank == 1 ? "" : "s")})",
                $"0x{magic:X8}");
        }

        if (got < header.Length)
        {
            throw DataException.At(file, got, $"a header of {header.Length} bytes", EndOfFile);
        }

        ImmutableArray<int> dims = ReadDims(file, header);
        int size = (int)dims.Aggregate(1L, (product, dim) => product * dim);
        if (knownLength is { } length && length != header.Length + (long)size)
        {
            throw DataException.At(
                file, Math.Min(length, header.Length + (long)size), $"{header.Length + (long)size} bytes as its header says",
                $"a file of {length} bytes");
        }

        return new IdxContent(dims, ReadValues(file, stream, header.Length, size, cancellationToken));
    }

    private static ImmutableArray<int> ReadDims(string file, byte[] header)
    {
        ImmutableArray<int>.Builder dims = ImmutableArray.CreateBuilder<int>();
        long product = 1;
        for (int offset = 4; offset < header.Length; offset += 4)
        {
            uint dim = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(offset));
            product = dim is 0 or > int.MaxValue ? long.MaxValue : product * dim;
            if (product > MaximumBytes)
            {
                throw DataException.At(
                    file, offset, $"a dimension of at least 1, with no more than {MaximumBytes} values in all", $"{dim}");
            }

            dims.Add((int)dim);
        }

        return dims.DrainToImmutable();
    }

    /// <summary>
    /// The buffer grows with what really comes, so that a header alone cannot make the process allocate.
    /// </summary>
    private static byte[] ReadValues(string file, Stream stream, int start, int size, CancellationToken cancellationToken)
    {
        byte[] values = new byte[Math.Min(size, FirstChunk)];
        int filled = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int read = ReadUpTo(file, stream, values.AsSpan(filled), start + (long)filled);
            filled += read;
            if (filled < values.Length)
            {
                throw DataException.At(
                    file, start + (long)filled, $"{size} values as its header says", $"{EndOfFile} after {filled} values");
            }

            if (filled == size)
            {
                break;
            }

            Array.Resize(ref values, (int)Math.Min(size, 2L * values.Length));
        }

        Span<byte> beyond = stackalloc byte[1];
        return ReadUpTo(file, stream, beyond, start + (long)size) == 0
            ? values
            : throw DataException.At(file, start + (long)size, $"{EndOfFile} after {size} values", "more bytes");
    }

    private static int ReadUpTo(string file, Stream stream, Span<byte> buffer, long offset)
    {
        try
        {
            return stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException damaged)
        {
            throw DataException.At(
                file, offset, "data compressed with gzip", $"a damaged stream ({damaged.Message.TrimEnd('.')})", damaged);
        }
    }
}

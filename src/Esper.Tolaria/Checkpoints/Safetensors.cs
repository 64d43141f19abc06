using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Tolaria.Checkpoints;

/// <summary>One tensor of a file: plain bytes with a type and a shape.</summary>
/// <param name="Name">Unique name.</param>
/// <param name="Type">Element type: <c>F32</c> or <c>I64</c>.</param>
/// <param name="Shape">Extents.</param>
/// <param name="Data">Little-endian elements.</param>
public sealed record SavedTensor(string Name, string Type, ImmutableArray<long> Shape, byte[] Data);

/// <summary>
/// The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes. It can hold nothing that executes.
/// Files of other programs are read too, as long as their types are known here.
/// </summary>
public static class Safetensors
{
    /// <summary>Largest header accepted, as in the reference implementation: 100 MB.</summary>
    private const ulong MaximumHeader = 100_000_000;

    private const string MetadataKey = "__metadata__";

    /// <summary>Writes tensors and text metadata.</summary>
    public static void Write(Stream stream, IReadOnlyList<SavedTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        using MemoryStream header = new();
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (SavedTensor tensor in tensors)
            {
                WriteEntry(json, tensor, offset);
                offset += tensor.Data.Length;
            }

            json.WriteEndObject();
        }

        // The format asks for data aligned to 8 bytes; spaces at the end of the header are part of it.
        while (header.Length % 8 != 0)
        {
            header.WriteByte((byte)' ');
        }

        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        header.WriteTo(stream);
        foreach (SavedTensor tensor in tensors)
        {
            stream.Write(tensor.Data);
        }
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="EsperException">The file is not of this format or was cut off; names file, offset and expectation.</exception>
    public static (ImmutableArray<SavedTensor> Tensors, ImmutableDictionary<string, string> Metadata) Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (file.Length < 8)
        {
            throw new EsperException($"{path}: {file.Length} bytes; a safetensors file starts with 8 bytes of header length.");
        }

        Span<byte> prefix = stackalloc byte[8];
        file.ReadExactly(prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaximumHeader || headerLength > (ulong)(file.Length - 8))
        {
            throw new EsperException(
                $"{path}, offset 0: header length {headerLength} does not fit a file of {file.Length} bytes (cut off, or not safetensors).");
        }

        byte[] header = new byte[headerLength];
        file.ReadExactly(header);
        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            return ReadEntries(path, file, json.RootElement, 8 + (long)headerLength);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException
            or KeyNotFoundException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw new EsperException($"{path}, offset 8: the header is not a safetensors header: {error.Message}", error);
        }
    }

    /// <summary>Size of an element in bytes.</summary>
    /// <exception cref="FormatException">The type is not known here.</exception>
    public static int ElementSize(string type) => type switch
    {
        "F32" => 4,
        "I64" => 8,
        _ => throw new FormatException($"element type '{type}' is none of F32, I64"),
    };

    private static void WriteEntry(Utf8JsonWriter json, SavedTensor tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Type);
        json.WriteStartArray("shape");
        foreach (long extent in tensor.Shape)
        {
            json.WriteNumberValue(extent);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Data.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static (ImmutableArray<SavedTensor> Tensors, ImmutableDictionary<string, string> Metadata) ReadEntries(
        string path, FileStream file, JsonElement root, long dataStart)
    {
        ImmutableArray<SavedTensor>.Builder tensors = ImmutableArray.CreateBuilder<SavedTensor>();
        ImmutableDictionary<string, string> metadata = ImmutableDictionary<string, string>.Empty;
        foreach (JsonProperty entry in root.EnumerateObject())
        {
            if (entry.NameEquals(MetadataKey))
            {
                metadata = entry.Value.EnumerateObject().ToImmutableDictionary(item => item.Name, item => item.Value.GetString()!);
                continue;
            }

            tensors.Add(ReadTensor(path, file, entry, dataStart));
        }

        return (tensors.ToImmutable(), metadata);
    }

    private static SavedTensor ReadTensor(string path, FileStream file, JsonProperty entry, long dataStart)
    {
        string type = entry.Value.GetProperty("dtype").GetString()!;
        ImmutableArray<long> shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64())];
        long begin = entry.Value.GetProperty("data_offsets")[0].GetInt64();
        long end = entry.Value.GetProperty("data_offsets")[1].GetInt64();
        Int128 bytes = shape.Aggregate((Int128)ElementSize(type), (product, extent) => checked(product * extent));
        if (begin < 0 || shape.Any(extent => extent < 0) || bytes != end - begin || dataStart + end > file.Length)
        {
            throw new EsperException(
                $"{path}: tensor '{entry.Name}' of {bytes} bytes is said to lie at offset {begin} to {end} of the data, "
                + $"the file has {file.Length - dataStart} bytes of data (cut off or corrupt).");
        }

        byte[] data = new byte[end - begin];
        file.Position = dataStart + begin;
        file.ReadExactly(data);
        return new SavedTensor(entry.Name, type, shape, data);
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Esper.Graph.Onnx;

/// <summary>Writes the fields of one protocol buffer message. Bytes are referred to, not copied, until the message is written out.</summary>
internal sealed class WireWriter
{
    private readonly List<ReadOnlyMemory<byte>> _parts = [];
    private ArrayBufferWriter<byte> _open = new();

    /// <summary>Length of the message in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>A whole number.</summary>
    public void Int64(int field, long value)
    {
        Tag(field, WireType.Varint);
        Raw(unchecked((ulong)value));
    }

    /// <summary>A whole number, left out where it is 0, as the format's default.</summary>
    public void NonZero(int field, long value)
    {
        if (value != 0)
        {
            Int64(field, value);
        }
    }

    /// <summary>A real number of 32 bits.</summary>
    public void Float(int field, float value)
    {
        Tag(field, WireType.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(Reserve(4), value);
    }

    /// <summary>A text.</summary>
    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>A text, left out where it is empty.</summary>
    public void NonEmpty(int field, string value)
    {
        if (value.Length > 0)
        {
            Text(field, value);
        }
    }

    /// <summary>Bytes; they must not change until the message is written.</summary>
    public void Bytes(int field, ReadOnlyMemory<byte> value)
    {
        Tag(field, WireType.Bytes);
        Raw((ulong)value.Length);
        Append(value);
    }

    /// <summary>A message.</summary>
    public void Message(int field, WireWriter message)
    {
        message.Close();
        Tag(field, WireType.Bytes);
        Raw((ulong)message.Length);
        foreach (ReadOnlyMemory<byte> part in message._parts)
        {
            Append(part);
        }
    }

    /// <summary>Whole numbers, packed; nothing where there are none.</summary>
    public void Int64s(int field, ReadOnlySpan<long> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        WireWriter packed = new();
        foreach (long value in values)
        {
            packed.Raw(unchecked((ulong)value));
        }

        Message(field, packed);
    }

    /// <summary>Real numbers of 32 bits, packed; nothing where there are none.</summary>
    public void Floats(int field, ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        byte[] bytes = new byte[checked(4 * values.Length)];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), values[i]);
        }

        Bytes(field, bytes);
    }

    /// <summary>Writes the message out.</summary>
    public void CopyTo(Stream stream)
    {
        Close();
        foreach (ReadOnlyMemory<byte> part in _parts)
        {
            stream.Write(part.Span);
        }
    }

    private void Tag(int field, WireType type) => Raw(((ulong)field << 3) | (ulong)type);

    private void Raw(ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        int count = 0;
        do
        {
            bytes[count++] = (byte)((value & 127) | (value > 127 ? 128UL : 0));
            value >>= 7;
        }
        while (value > 0);
        bytes[..count].CopyTo(Reserve(count));
    }

    private Span<byte> Reserve(int count)
    {
        Span<byte> span = _open.GetSpan(count)[..count];
        _open.Advance(count);
        Length += count;
        return span;
    }

    private void Append(ReadOnlyMemory<byte> bytes)
    {
        // Small pieces are cheaper to copy than to keep track of.
        const int Small = 1024;
        if (bytes.Length <= Small)
        {
            bytes.Span.CopyTo(Reserve(bytes.Length));
            return;
        }

        Close();
        _parts.Add(bytes);
        Length += bytes.Length;
    }

    private void Close()
    {
        if (_open.WrittenCount > 0)
        {
            _parts.Add(_open.WrittenMemory);
            _open = new ArrayBufferWriter<byte>();
        }
    }
}

using System.Buffers.Binary;
using System.Text;

namespace Esper.Graph.Onnx;

/// <summary>
/// Walks the fields of one protocol buffer message without copying them. Google.Protobuf reads nested messages into copies, which
/// for the weights of a model is a copy for each level; nothing else of it is needed here. Reads inside the given memory only, and allocates
/// for what it has seen, never for what a length promises.
/// </summary>
internal struct WireReader(ReadOnlyMemory<byte> data, long origin = 0)
{
    private readonly ReadOnlyMemory<byte> _data = data;
    private readonly long _origin = origin;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private int _at;
    private int _field;
    private WireType _type;

    /// <summary>Number of the field that <see cref="Next"/> came to.</summary>
    public readonly int Field => _field;

    private readonly ReadOnlySpan<byte> Rest => _data.Span[_at..];

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    /// <exception cref="OnnxFormatException">What follows is no field.</exception>
    public bool Next()
    {
        if (_at == _data.Length)
        {
            return false;
        }

        ulong tag = Raw();
        _type = (WireType)(tag & 7);
        _field = tag >> 3 is > 0 and < 1 << 29 ? (int)(tag >> 3) : throw Fail($"a field has the number {tag >> 3}");
        return _type is WireType.Varint or WireType.Fixed64 or WireType.Bytes or WireType.Fixed32
            ? true
            : throw Fail($"field {_field} has the unknown wire type {(int)_type}");
    }

    /// <summary>The field as a whole number.</summary>
    public long Int64()
    {
        Require(WireType.Varint);
        return unchecked((long)Raw());
    }

    /// <summary>The field as a whole number of 32 bits.</summary>
    public int Int32()
    {
        long value = Int64();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Fail($"field {_field} is {value}, which is out of range");
    }

    /// <summary>The field as a real number of 32 bits.</summary>
    public float Float()
    {
        Require(WireType.Fixed32);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4).Span);
    }

    /// <summary>The field as bytes, in the memory that they lie in.</summary>
    public ReadOnlyMemory<byte> Bytes()
    {
        Require(WireType.Bytes);
        ulong length = Raw();
        return length <= (ulong)(_data.Length - _at)
            ? Take((int)length)
            : throw Fail($"field {_field} is {length} bytes long, {_data.Length - _at} are left");
    }

    /// <summary>The field as a text.</summary>
    public string Text()
    {
        ReadOnlyMemory<byte> bytes = Bytes();
        try
        {
            return Utf8.GetString(bytes.Span);
        }
        catch (DecoderFallbackException e)
        {
            throw new OnnxFormatException(Fail($"field {_field} is no UTF-8 text").Message, e);
        }
    }

    /// <summary>The field as a message.</summary>
    public WireReader Message()
    {
        ReadOnlyMemory<byte> bytes = Bytes();
        return new WireReader(bytes, _origin + _at - bytes.Length);
    }

    /// <summary>Adds one whole number, or all of a packed field.</summary>
    public void Int64s(List<long> to)
    {
        if (_type == WireType.Varint)
        {
            to.Add(Int64());
            return;
        }

        for (WireReader packed = Message(); packed._at < packed._data.Length;)
        {
            to.Add(unchecked((long)packed.Raw()));
        }
    }

    /// <summary>Adds one real number of 32 bits, or all of a packed field.</summary>
    public void Floats(List<float> to)
    {
        if (_type == WireType.Fixed32)
        {
            to.Add(Float());
            return;
        }

        ReadOnlySpan<byte> packed = Whole(4).Span;
        for (int i = 0; i < packed.Length; i += 4)
        {
            to.Add(BinaryPrimitives.ReadSingleLittleEndian(packed[i..]));
        }
    }

    /// <summary>Adds one real number of 64 bits, or all of a packed field.</summary>
    public void Doubles(List<double> to)
    {
        if (_type == WireType.Fixed64)
        {
            to.Add(BinaryPrimitives.ReadDoubleLittleEndian(Take(8).Span));
            return;
        }

        ReadOnlySpan<byte> packed = Whole(8).Span;
        for (int i = 0; i < packed.Length; i += 8)
        {
            to.Add(BinaryPrimitives.ReadDoubleLittleEndian(packed[i..]));
        }
    }

    /// <summary>Goes over the field.</summary>
    public void Skip()
    {
        switch (_type)
        {
            case WireType.Varint:
                Raw();
                break;
            case WireType.Fixed64:
                Take(8);
                break;
            case WireType.Fixed32:
                Take(4);
                break;
            default:
                Bytes();
                break;
        }
    }

    /// <summary>An error at the place that the reader has come to.</summary>
    public readonly OnnxFormatException Fail(string what) => new($"not an ONNX model: at byte {_origin + _at}, {what}");

    private ReadOnlyMemory<byte> Whole(int size)
    {
        ReadOnlyMemory<byte> bytes = Bytes();
        return bytes.Length % size == 0 ? bytes : throw Fail($"field {_field} packs numbers of {size} bytes into {bytes.Length}");
    }

    private readonly void Require(WireType type)
    {
        if (_type != type)
        {
            throw Fail($"field {_field} has the wire type {_type}, {type} is expected");
        }
    }

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count > _data.Length - _at)
        {
            throw Fail($"field {_field} is cut off");
        }

        _at += count;
        return _data.Slice(_at - count, count);
    }

    private ulong Raw()
    {
        ulong value = 0;
        ReadOnlySpan<byte> rest = Rest;
        for (int i = 0; i < rest.Length && i < 10; i++)
        {
            value |= (ulong)(rest[i] & 127) << (7 * i);
            if (rest[i] < 128)
            {
                _at += i + 1;
                return value;
            }
        }

        throw Fail(rest.Length < 10 ? "a number is cut off" : "a number has more than 10 bytes");
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Esper.Contracts.Lifecycle;

/// <summary>
/// The canonical form of a command: the bytes that are signed, and, with the signature behind them, what travels between
/// processes. Every field has a fixed width or its length in front, so that no two commands share a form. Numbers are little-endian,
/// texts UTF-8, times ticks of 100 ns in UTC:
/// <c>magic, kind, id, issuer, site, seed, reason, confidence, blueprint (germination only), signer, run id, issued-at, deadline,
/// nonce</c>.
/// </summary>
public static class CommandCodec
{
    /// <summary>Bytes of a signature.</summary>
    public const int SignatureBytes = 32;

    private const string Magic = "esper.command.1";
    private const byte Germinate = 1;
    private const byte Cull = 2;
    private const byte Fossilize = 3;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The bytes that are signed.</summary>
    /// <exception cref="FormatException">The command has no canonical form: an unknown kind or a text that is no Unicode.</exception>
    public static byte[] Canonical(LifecycleCommand command, CommandStamp stamp)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(stamp);
        ArrayBufferWriter<byte> output = new(512);
        Text(output, Magic);
        Number(output, KindOf(command), 1);
        Text(output, command.Id);
        Text(output, command.Issuer);
        Number(output, command.Seed.Site, 4);
        Number(output, command.Seed.Seed, 4);
        Text(output, command.Reason);
        Number(output, command.Confidence is null ? 0 : 1, 1);
        Number(output, BitConverter.DoubleToInt64Bits(command.Confidence ?? 0), 8);
        if (command is GerminateCommand germinate)
        {
            Text(output, germinate.Blueprint);
        }

        Text(output, stamp.Signer);
        Text(output, stamp.RunId);
        Number(output, stamp.IssuedAt.UtcTicks, 8);
        Number(output, stamp.Deadline.UtcTicks, 8);
        Text(output, stamp.Nonce);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A signed command as bytes: its canonical form, then the signature.</summary>
    /// <exception cref="FormatException">The command has no canonical form, or its signature has another length.</exception>
    public static byte[] Encode(SignedCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        return command.Signature is { IsDefault: false, Length: SignatureBytes } signature
            ? [.. Canonical(command.Command, command.Stamp), .. signature]
            : throw new FormatException($"A signature has {SignatureBytes} bytes.");
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Whether the signature is right is for the guard to say.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="command">The command; null if the bytes are none.</param>
    /// <param name="objection">What is wrong with them; null if nothing.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes,
        [NotNullWhen(true)] out SignedCommand? command,
        [NotNullWhen(false)] out string? objection)
    {
        try
        {
            command = Decode(bytes);
            objection = null;
            return true;
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            // ArgumentException: UTF-8 that is none, times out of range.
            command = null;
            objection = error.Message;
            return false;
        }
    }

    private static SignedCommand Decode(ReadOnlySpan<byte> bytes)
    {
        Reader reader = new(bytes);
        Demand(reader.Text() == Magic, "it does not begin as a command of this version");
        long kind = reader.Number(1);
        string id = reader.Text();
        string issuer = reader.Text();
        SeedId seed = new((int)reader.Number(4), (int)reader.Number(4));
        string reason = reader.Text();
        long stated = reader.Number(1);
        long bits = reader.Number(8);
        Demand(stated == 1 || (stated == 0 && bits == 0), "its confidence is neither stated nor left out");
        double? confidence = stated == 1 ? BitConverter.Int64BitsToDouble(bits) : null;
        LifecycleCommand command = kind switch
        {
            Germinate => new GerminateCommand(id, issuer, seed, reader.Text(), reason),
            Cull => new CullCommand(id, issuer, seed, reason),
            Fossilize => new FossilizeCommand(id, issuer, seed, reason),
            _ => throw new FormatException($"kind {kind} is unknown"),
        };
        CommandStamp stamp = new(reader.Text(), reader.Text(), reader.Time(), reader.Time(), reader.Text());
        byte[] signature = reader.Rest();
        Demand(signature.Length == SignatureBytes, $"{signature.Length} bytes stand where a signature has {SignatureBytes}");
        return new SignedCommand(command with { Confidence = confidence }, stamp, [.. signature]);
    }

    private static byte KindOf(LifecycleCommand command) => command switch
    {
        GerminateCommand => Germinate,
        CullCommand => Cull,
        FossilizeCommand => Fossilize,
        _ => throw new FormatException($"commands of kind {command.GetType().Name} have no canonical form"),
    };

    private static void Text(ArrayBufferWriter<byte> output, string text)
    {
        byte[] bytes;
        try
        {
            bytes = Utf8.GetBytes(text);
        }
        catch (EncoderFallbackException error)
        {
            throw new FormatException("a text of it is no Unicode (a lone surrogate)", error);
        }

        Number(output, bytes.Length, 4);
        output.Write(bytes);
    }

    private static void Number(ArrayBufferWriter<byte> output, long value, int width)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        output.Write(bytes[..width]);
    }

    private static void Demand(bool holds, string objection)
    {
        if (!holds)
        {
            throw new FormatException(objection);
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public long Number(int width)
        {
            ReadOnlySpan<byte> bytes = Take(width);
            return width switch
            {
                1 => bytes[0],
                4 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
                _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            };
        }

        public string Text() => Utf8.GetString(Take(Number(4)));

        public DateTimeOffset Time() => new(Number(8), TimeSpan.Zero);

        public byte[] Rest() => Take(_rest.Length).ToArray();

        private ReadOnlySpan<byte> Take(long count)
        {
            Demand(count >= 0 && count <= _rest.Length, "it ends too early");
            ReadOnlySpan<byte> taken = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return taken;
        }
    }
}

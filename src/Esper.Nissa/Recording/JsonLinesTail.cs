using System.Text.Json;

namespace Esper.Nissa;

/// <summary>What a crash can do to a file of JSON lines, and its repair.</summary>
internal static class JsonLinesTail
{
    private const byte LineFeed = (byte)'\n';

    /// <summary>Cuts a torn last line off and leaves the stream at its end.</summary>
    /// <returns>Bytes cut off.</returns>
    public static long Repair(FileStream stream)
    {
        long length = stream.Length;
        long sound = SoundLength(stream, length);
        if (sound < length)
        {
            stream.SetLength(sound);
        }

        stream.Seek(0, SeekOrigin.End);
        return length - sound;
    }

    /// <summary>Whether the bytes are one JSON object.</summary>
    public static bool IsObject(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader reader = new(line);
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static long SoundLength(FileStream stream, long length)
    {
        if (length == 0)
        {
            return 0;
        }

        stream.Seek(length - 1, SeekOrigin.Begin);
        bool terminated = stream.ReadByte() == LineFeed;
        long start = LineStart(stream, terminated ? length - 1 : length);
        if (!terminated)
        {
            return start;
        }

        byte[] line = new byte[length - 1 - start];
        stream.Seek(start, SeekOrigin.Begin);
        stream.ReadExactly(line);
        return IsObject(line) ? length : start;
    }

    /// <summary>Offset just after the last line feed before <paramref name="end"/>, 0 if there is none.</summary>
    private static long LineStart(FileStream stream, long end)
    {
        byte[] block = new byte[4096];
        while (end > 0)
        {
            int count = (int)Math.Min(block.Length, end);
            stream.Seek(end - count, SeekOrigin.Begin);
            stream.ReadExactly(block, 0, count);
            int found = block.AsSpan(0, count).LastIndexOf(LineFeed);
            if (found >= 0)
            {
                return end - count + found + 1;
            }

            end -= count;
        }

        return 0;
    }
}

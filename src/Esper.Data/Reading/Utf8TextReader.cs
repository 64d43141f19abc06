using System.Text;

namespace Esper.Data;

/// <summary>A text in UTF-8: a file, or <c>input.txt</c> in a directory.</summary>
internal static class Utf8TextReader
{
    /// <summary>What the path must hold, for messages.</summary>
    public const string Expected = "a text file in UTF-8, or a directory with input.txt";

    /// <summary>Largest text that is read.</summary>
    private const long MaximumBytes = 1L << 28;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the text and encodes it character by character; line ends stay as they are.</summary>
    public static TextDataset Read(string path, CancellationToken cancellationToken)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, "input.txt") : path;
        FileInfo info = new(file);
        if (!info.Exists)
        {
            throw new DataException($"{file}: no such file. Data set '{Datasets.Text}' expects {Expected}");
        }

        if (info.Length > MaximumBytes)
        {
            throw DataException.At(file, MaximumBytes, $"a text of at most {MaximumBytes} bytes", $"{info.Length} bytes");
        }

        cancellationToken.ThrowIfCancellationRequested();
        byte[] bytes = File.ReadAllBytes(file);
        int start = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        if (start == bytes.Length)
        {
            throw DataException.At(file, start, "at least one character", "the end of the file");
        }

        try
        {
            return new TextDataset(Datasets.Text, Utf8.GetString(bytes, start, bytes.Length - start));
        }
        catch (DecoderFallbackException invalid)
        {
            throw DataException.At(
                file, start + (long)invalid.Index, "text in UTF-8",
                $"the bytes {Convert.ToHexString(invalid.BytesUnknown ?? [])}", invalid);
        }
    }
}

using System.Text;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>
/// Appends JSON objects to a file, one a line. A line is handed to the operating system whole and at once, so that a
/// crash of the process loses nothing that was written and can tear at most the last line. Not safe for use by several
/// threads.
/// </summary>
public sealed class JsonLinesWriter : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>
    /// Opens or creates the file. A torn last line (no line feed at its end, or no JSON) is cut off, so that what is
    /// appended starts a line of its own.
    /// </summary>
    /// <exception cref="EsperException">The file cannot be opened.</exception>
    public JsonLinesWriter(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Path = path;
        try
        {
            _stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{path} cannot be opened for writing: {e.Message}", e);
        }

        RemovedBytes = JsonLinesTail.Repair(_stream);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Bytes of a torn last line that opening cut off; 0 for a sound file.</summary>
    public long RemovedBytes { get; }

    /// <summary>Appends one object.</summary>
    /// <param name="value">An object, not a bare number, string or array.</param>
    /// <param name="kind">Discriminator, written as the first field <c>kind</c>; null for none.</param>
    /// <exception cref="EsperException">A number is NaN or infinite; the message names the field. Nothing is
    /// written.</exception>
    public void Write<T>(T value, string? kind = null)
        where T : notnull
    {
        byte[] json = NonFinite.Serialize(value, EsperJson.Compact, System.IO.Path.GetFileName(Path));
        if (json[0] != (byte)'{')
        {
            throw new ArgumentException($"A line holds an object; {typeof(T).Name} is written as something else.", nameof(value));
        }

        string head = kind is null ? "{" : $"{{\"kind\":{JsonSerializer.Serialize(kind)}{(json.Length > 2 ? "," : string.Empty)}";
        byte[] line = [.. Encoding.UTF8.GetBytes(head), .. json.AsSpan(1), (byte)'\n'];
        _stream.Write(line);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();
}

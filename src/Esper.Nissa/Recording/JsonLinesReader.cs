using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>
/// Reads a file of JSON objects, one a line, without holding it in memory. A torn last line, the trace of a crash, is
/// left out and told in <see cref="Warning"/>; a bad line before it is an error.
/// </summary>
public sealed class JsonLinesReader : IDisposable
{
    private readonly FileStream _stream;
    private readonly List<byte> _line = [];

    /// <summary>Opens the file; a writer may have it open.</summary>
    /// <exception cref="EsperException">The file is missing or cannot be opened.</exception>
    public JsonLinesReader(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Path = path;
        try
        {
            _stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 65536);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Number of the line read last, from 1; 0 before the first.</summary>
    public int LineNumber { get; private set; }

    /// <summary>What was left out at the end of the file; null if nothing was, or the end is not reached.</summary>
    public string? Warning { get; private set; }

    /// <summary>Reads the next object.</summary>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="EsperException">A line that is not the last is no JSON object; the message names file and
    /// line.</exception>
    public bool TryRead([NotNullWhen(true)] out JsonElement? record)
    {
        record = null;
        if (!ReadLine(out bool terminated))
        {
            return false;
        }

        byte[] bytes = [.. _line];
        if (terminated && JsonLinesTail.IsObject(bytes))
        {
            record = JsonElement.Parse(bytes);
            return true;
        }

        if (terminated && _stream.Position < _stream.Length)
        {
            throw new EsperException(
                $"{Path}, line {LineNumber}: not a JSON object. The file was changed or damaged; restore it, or remove the line.");
        }

        Warning = $"{Path}, line {LineNumber}: the last line is torn ({bytes.Length} bytes) and was left out.";
        return false;
    }

    /// <summary>Reads an object's fields into a record.</summary>
    /// <exception cref="EsperException">A field is missing or of the wrong type; the message names file and
    /// line.</exception>
    public T Convert<T>(JsonElement record)
    {
        try
        {
            return record.Deserialize<T>(EsperJson.Compact)
                ?? throw new EsperException($"{Path}, line {LineNumber}: null where a record is expected.");
        }
        catch (JsonException e)
        {
            throw new EsperException($"{Path}, line {LineNumber}: not a {typeof(T).Name}: {e.Message}", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();

    private bool ReadLine(out bool terminated)
    {
        _line.Clear();
        terminated = false;
        int next;
        while ((next = _stream.ReadByte()) >= 0)
        {
            if (next == '\n')
            {
                terminated = true;
                break;
            }

            _line.Add((byte)next);
        }

        if (!terminated && _line.Count == 0)
        {
            return false;
        }

        LineNumber++;
        return true;
    }
}

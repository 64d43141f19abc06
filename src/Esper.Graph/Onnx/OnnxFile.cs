using System.Globalization;

namespace Esper.Graph.Onnx;

/// <summary>A model in a file, with the files beside it that hold its larger tensors.</summary>
public sealed class OnnxFile
{
    private readonly string _directory;
    private readonly Dictionary<string, byte[]> _beside = new(StringComparer.Ordinal);

    private OnnxFile(string path, OnnxModel model)
    {
        Path = path;
        Model = model;
        _directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>What stands in it.</summary>
    public OnnxModel Model { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="OnnxFormatException">It cannot be read, or is no ONNX model.</exception>
    public static OnnxFile Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return new OnnxFile(path, OnnxReader.Read(File.ReadAllBytes(path)));
        }
        catch (OnnxFormatException e)
        {
            throw new OnnxFormatException($"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OnnxFormatException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The bytes of a tensor whose content is in another file.</summary>
    /// <exception cref="OnnxFormatException">The file leaves the model's directory, does not exist, or is too short.</exception>
    public ReadOnlyMemory<byte> External(OnnxTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var entries = tensor.External ?? throw new ArgumentException("The tensor has its content with it.", nameof(tensor));
        string location = entries.GetValueOrDefault("location", "");
        byte[] file = Beside(tensor, location);
        long offset = Number(tensor, "offset", entries.GetValueOrDefault("offset", "0"));
        long length = entries.TryGetValue("length", out string? stated) ? Number(tensor, "length", stated) : file.Length - offset;
        return offset <= file.Length && length <= file.Length - offset
            ? file.AsMemory((int)offset, (int)length)
            : throw new OnnxFormatException(
                $"{tensor.Place}: '{location}' has {file.Length} bytes, {length} from byte {offset} on are needed");
    }

    private static long Number(OnnxTensor tensor, string what, string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new OnnxFormatException($"{tensor.Place}: its {what} '{text}' in the other file is no number");

    // A model from elsewhere must not read files that its directory does not hold.
    private byte[] Beside(OnnxTensor tensor, string location)
    {
        if (_beside.TryGetValue(location, out byte[]? known))
        {
            return known;
        }

        string full = System.IO.Path.GetFullPath(System.IO.Path.Combine(_directory, location));
        string inside = _directory.TrimEnd(System.IO.Path.DirectorySeparatorChar) + System.IO.Path.DirectorySeparatorChar;
        if (location.Length == 0 || System.IO.Path.IsPathRooted(location) || !full.StartsWith(inside, StringComparison.Ordinal))
        {
            throw new OnnxFormatException($"{tensor.Place}: its content is said to be in '{location}', outside of the model's directory");
        }

        try
        {
            return _beside[location] = File.ReadAllBytes(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OnnxFormatException($"{tensor.Place}: the file '{location}' beside the model cannot be read: {e.Message}", e);
        }
    }
}

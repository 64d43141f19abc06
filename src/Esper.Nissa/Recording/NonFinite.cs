using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>
/// Turns documents into JSON and, where a number is NaN or infinite, says which one. JSON has no such numbers, and a
/// record that held a zero in their place would lie.
/// </summary>
internal static class NonFinite
{
    /// <summary>Serialises, compact or indented.</summary>
    /// <exception cref="EsperException">A number is NaN or infinite; the message names its path and the
    /// document.</exception>
    public static byte[] Serialize<T>(T value, JsonSerializerOptions options, string file)
        where T : notnull
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(value, options);
        }
        catch (ArgumentException e) when (Find(value, string.Empty, options) is { } found)
        {
            throw new EsperException(
                $"{file}: field '{found.Path}' is {found.Value}, which is no measurement and cannot be recorded. "
                + "Find out what produced it; a diverged run needs a lower learning rate.", e);
        }
    }

    private static (string Path, double Value)? Find(object? value, string path, JsonSerializerOptions options)
    {
        switch (value)
        {
            case null or string:
                return null;
            case double number:
                return double.IsFinite(number) ? null : (path, number);
            case float number:
                return float.IsFinite(number) ? null : (path, number);
            case IEnumerable items:
                return FindInItems(items, path, options);
            default:
                return FindInProperties(value, path, options);
        }
    }

    private static (string Path, double Value)? FindInItems(IEnumerable items, string path, JsonSerializerOptions options)
    {
        int index = 0;
        foreach (object? item in items)
        {
            if (Find(item, $"{path}[{index++}]", options) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static (string Path, double Value)? FindInProperties(object value, string path, JsonSerializerOptions options)
    {
        foreach (JsonPropertyInfo property in options.GetTypeInfo(value.GetType()).Properties)
        {
            string name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (Find(property.Get?.Invoke(value), name, options) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}

using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>The field <c>kind</c> that tells the lines of <c>metrics.jsonl</c> apart.</summary>
internal static class MetricKind
{
    public const string Epoch = "epoch";
    public const string Step = "step";

    /// <summary>The kind of the line that the reader is at.</summary>
    /// <exception cref="EsperException">It has none, or an unknown one.</exception>
    public static string Of(JsonElement line, JsonLinesReader reader)
    {
        string? kind = line.TryGetProperty("kind", out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
        return kind is Epoch or Step
            ? kind
            : throw new EsperException(
                $"{reader.Path}, line {reader.LineNumber}: 'kind' is {kind ?? "missing"}; known are {Epoch} and {Step}.");
    }
}

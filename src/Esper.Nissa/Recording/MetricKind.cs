using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>
/// The field <c>kind</c> that tells the lines of <c>metrics.jsonl</c> apart. In <c>events.jsonl</c> only rollbacks have one.
/// </summary>
internal static class MetricKind
{
    public const string Epoch = "epoch";
    public const string Step = "step";
    public const string Rollback = "rollback";

    /// <summary>The kind of the line that the reader is at.</summary>
    /// <exception cref="EsperException">It has none, or an unknown one.</exception>
    public static string Of(JsonElement line, JsonLinesReader reader)
    {
        string? kind = Read(line);
        return kind is Epoch or Step or Rollback
            ? kind
            : throw new EsperException(
                $"{reader.Path}, line {reader.LineNumber}: 'kind' is {kind ?? "missing"}; known are {Epoch}, {Step} and {Rollback}.");
    }

    /// <summary>Whether the line, of either file, tells of a rollback.</summary>
    public static bool IsRollback(JsonElement line) => Read(line) == Rollback;

    private static string? Read(JsonElement line) =>
        line.TryGetProperty("kind", out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Nissa;

/// <summary>A decision as <c>decisions.jsonl</c> holds it.</summary>
/// <param name="Policy">The policy that decided.</param>
/// <param name="State">Everything that it saw.</param>
/// <param name="Commands">The commands that it issued, in order; each with its kind and all its fields.</param>
/// <param name="Answers">What became of them.</param>
public sealed record LoggedDecision(
    string Policy, SystemState State, ImmutableArray<JsonElement> Commands, ImmutableArray<CommandAnswer> Answers)
{
    /// <summary>The form in which commands are logged and compared.</summary>
    public static ImmutableArray<JsonElement> Describe(ImmutableArray<LifecycleCommand> commands) =>
        [.. commands.Select(Describe)];

    /// <summary>The form in which a command is logged and compared: its type's name without "Command", then its fields.</summary>
    public static JsonElement Describe(LifecycleCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        JsonObject described = new() { ["kind"] = KindOf(command) };
        JsonObject fields = JsonSerializer.SerializeToNode(command, command.GetType(), EsperJson.Compact)!.AsObject();
        foreach ((string name, JsonNode? value) in fields)
        {
            described[name] = value?.DeepClone();
        }

        return JsonSerializer.SerializeToElement(described, EsperJson.Compact);
    }

    private static string KindOf(LifecycleCommand command) =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(command.GetType().Name.Replace("Command", string.Empty, StringComparison.Ordinal));
}

/// <summary>
/// A line of <c>decisions.jsonl</c>: a decision, and a digest over it and the line before, so that a line that was changed, taken out
/// or put in shows.
/// </summary>
/// <param name="Digest">SHA-256 over the digest of the line before (empty for the first), a line feed and the decision's text.</param>
/// <param name="Text">The decision's JSON text.</param>
/// <param name="Decision">The decision.</param>
public sealed record DecisionRecord(string Digest, string Text, LoggedDecision Decision)
{
    /// <summary>The digest that a line must have behind another.</summary>
    public static string DigestOf(string before, string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{before}\n{text}")));

    /// <summary>Reads the line that a reader is at.</summary>
    /// <exception cref="EsperException">It is no such record; the message names file and line.</exception>
    public static DecisionRecord Of(JsonElement line, JsonLinesReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        DecisionLine raw = reader.Convert<DecisionLine>(line);
        return new DecisionRecord(raw.Digest, raw.Decision.GetRawText(), reader.Convert<LoggedDecision>(raw.Decision));
    }
}

/// <summary>The outer form of a line of <c>decisions.jsonl</c>.</summary>
/// <param name="Digest">See <see cref="DecisionRecord"/>.</param>
/// <param name="Decision">A <see cref="LoggedDecision"/>.</param>
internal sealed record DecisionLine(string Digest, JsonElement Decision);

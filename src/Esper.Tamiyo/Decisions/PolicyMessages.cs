using System.Text.Json;
using System.Text.Json.Serialization;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Decisions;

/// <summary>What a trainer and the process of its policy say to each other: JSON objects, one a line.</summary>
internal static class PolicyMessages
{
    // States may hold what is no number; a policy must see it as it is.
    private static readonly JsonSerializerOptions Format = new(EsperJson.Compact)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static string Write<T>(T message) => JsonSerializer.Serialize(message, Format);

    /// <exception cref="JsonException">The line is no such message.</exception>
    public static T Read<T>(string line)
        where T : class => JsonSerializer.Deserialize<T>(line, Format) ?? throw new JsonException("null where a message is expected");
}

/// <summary>What a policy is asked.</summary>
internal enum PolicyQuestion
{
    NeedsProbe,
    Decide,
}

/// <param name="Question">The question.</param>
/// <param name="State">What to decide on.</param>
internal sealed record PolicyRequest(PolicyQuestion Question, SystemState State);

/// <summary>Steps of an answer.</summary>
internal enum PolicyProgress
{
    /// <summary>The process is up and has its policy.</summary>
    Ready,

    /// <summary>The request is read; the policy's time runs.</summary>
    Asked,

    /// <summary>The policy has answered.</summary>
    Answered,

    /// <summary>The policy threw.</summary>
    Faulted,
}

/// <param name="Progress">How far it is.</param>
/// <param name="NeedsProbe">Answer to <see cref="PolicyQuestion.NeedsProbe"/>.</param>
/// <param name="Commands">Answer to <see cref="PolicyQuestion.Decide"/>.</param>
/// <param name="Fault">What the policy threw.</param>
internal sealed record PolicyReply(
    PolicyProgress Progress, bool? NeedsProbe = null, CommandMessage[]? Commands = null, string? Fault = null);

/// <summary>A command as it travels.</summary>
internal sealed record CommandMessage(
    string Kind, string Id, string Issuer, SeedId Seed, string? Blueprint, string Reason, double? Confidence)
{
    public static CommandMessage Of(LifecycleCommand command) => new(
        command switch
        {
            GerminateCommand => "germinate",
            CullCommand => "cull",
            FossilizeCommand => "fossilize",
            _ => throw new EsperException($"Command '{command.Id}' is of unknown kind {command.GetType().Name}."),
        },
        command.Id,
        command.Issuer,
        command.Seed,
        (command as GerminateCommand)?.Blueprint,
        command.Reason,
        command.Confidence);

    /// <exception cref="JsonException">There is no such kind, or a germination without a blueprint.</exception>
    public LifecycleCommand ToCommand()
    {
        LifecycleCommand command = (Kind, Blueprint) switch
        {
            ("germinate", { } blueprint) => new GerminateCommand(Id, Issuer, Seed, blueprint, Reason),
            ("cull", null) => new CullCommand(Id, Issuer, Seed, Reason),
            ("fossilize", null) => new FossilizeCommand(Id, Issuer, Seed, Reason),
            _ => throw new JsonException($"'{Kind}' is no command, or has no blueprint where it needs one"),
        };
        return command with { Confidence = Confidence };
    }
}

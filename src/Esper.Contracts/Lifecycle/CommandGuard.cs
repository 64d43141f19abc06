using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;

namespace Esper.Contracts.Lifecycle;

/// <summary>Kinds of commands that an issuer may give.</summary>
[Flags]
public enum CommandRights
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="GerminateCommand"/>.</summary>
    Germinate = 1,

    /// <summary><see cref="CullCommand"/>.</summary>
    Cull = 2,

    /// <summary><see cref="FossilizeCommand"/>.</summary>
    Fossilize = 4,

    /// <summary>All of them.</summary>
    All = Germinate | Cull | Fossilize,
}

/// <summary>The guard's limits in time.</summary>
/// <param name="MaximumLifetime">Longest time from issued-at to deadline; bounds how many nonces are remembered.</param>
/// <param name="ClockSkew">How far an issuer's clock may be ahead. One that is behind gets no allowance: its commands expire early.</param>
public sealed record CommandRules(TimeSpan MaximumLifetime, TimeSpan ClockSkew)
{
    /// <summary>Five minutes and two seconds.</summary>
    public static CommandRules Default { get; } = new(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(2));
}

/// <summary>
/// Stands before the gates: admits a command that is signed with the run's key by its issuer, allowed to that issuer, annotated, in
/// time and new; refuses every other with the field at fault. Checks the signature first, so that nothing an outsider wrote
/// is acted upon, remembered, or told from anything else. One thread only.
/// </summary>
public sealed class CommandGuard
{
    private readonly CommandAuthority _authority;
    private readonly ImmutableDictionary<string, CommandRights> _rights;
    private readonly CommandRules _rules;
    private readonly HashSet<string> _nonces = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, DateTimeOffset> _expiry = new();

    internal CommandGuard(CommandAuthority authority, ImmutableDictionary<string, CommandRights> rights, CommandRules rules)
    {
        ArgumentNullException.ThrowIfNull(rights);
        ArgumentNullException.ThrowIfNull(rules);
        (_authority, _rights, _rules) = (authority, rights, rules);
    }

    /// <summary>Nonces remembered; those past their deadline are forgotten, since their commands are stale for good.</summary>
    public int RememberedNonces => _nonces.Count;

    /// <summary>Judges a command in the form that travels between processes.</summary>
    /// <param name="bytes">What <see cref="CommandCodec.Encode"/> wrote.</param>
    /// <param name="now">The moment to judge at, by <see cref="CommandAuthority.Clock"/>; must not run backwards.</param>
    public CommandAdmission Admit(ReadOnlySpan<byte> bytes, DateTimeOffset now) =>
        CommandCodec.TryDecode(bytes, out SignedCommand? command, out string? objection)
            ? Admit(command, now)
            : CommandAdmission.Refuse(new CommandRefusal(
                CommandFault.Malformed, string.Empty, string.Empty, "bytes", objection, "a command in canonical form"));

    /// <summary>Judges a command.</summary>
    /// <param name="envelope">The command.</param>
    /// <param name="now">The moment to judge at, by <see cref="CommandAuthority.Clock"/>; must not run backwards.</param>
    public CommandAdmission Admit(SignedCommand envelope, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        CommandRefusal? refusal = CheckSignature(envelope)
            ?? CheckIssuer(envelope)
            ?? CheckContent(envelope)
            ?? CheckTime(envelope, now)
            ?? CheckNonce(envelope, now);
        return refusal is null ? CommandAdmission.Admit(envelope.Command) : CommandAdmission.Refuse(refusal);
    }

    private static CommandRefusal Refusal(SignedCommand envelope, CommandFault fault, string field, string found, string required) =>
        new(fault, envelope.Command.Id, envelope.Command.Issuer, field, found, required);

    private CommandRefusal? CheckSignature(SignedCommand envelope)
    {
        if (envelope.Signature.IsDefaultOrEmpty)
        {
            return Refusal(envelope, CommandFault.NotSigned, "signature", string.Empty, "a signature by the run's key");
        }

        byte[] canonical;
        try
        {
            canonical = CommandCodec.Canonical(envelope.Command, envelope.Stamp);
        }
        catch (FormatException error)
        {
            return Refusal(envelope, CommandFault.Malformed, "command", error.Message, "a canonical form");
        }

        byte[] expected = _authority.Sign(envelope.Stamp.Signer, canonical);
        return CryptographicOperations.FixedTimeEquals(expected, envelope.Signature.AsSpan())
            ? null
            : Refusal(envelope, CommandFault.WrongSignature, "signature", "another", $"that of '{envelope.Stamp.Signer}' with this run's key");
    }

    private CommandRefusal? CheckIssuer(SignedCommand envelope)
    {
        (LifecycleCommand command, CommandStamp stamp) = (envelope.Command, envelope.Stamp);
        if (stamp.RunId != _authority.RunId)
        {
            return Refusal(envelope, CommandFault.WrongRun, "run_id", stamp.RunId, $"'{_authority.RunId}'");
        }

        if (command.Issuer != stamp.Signer)
        {
            return Refusal(envelope, CommandFault.WrongIssuer, "issuer", command.Issuer, $"the signer, '{stamp.Signer}'");
        }

        if (!_rights.TryGetValue(command.Issuer, out CommandRights rights))
        {
            string known = string.Join(", ", _rights.Keys.Order(StringComparer.Ordinal));
            return Refusal(envelope, CommandFault.WrongIssuer, "issuer", command.Issuer, $"one of {known}");
        }

        CommandRights kind = KindOf(command);
        return (rights & kind) != CommandRights.None
            ? null
            : Refusal(envelope, CommandFault.WrongIssuer, "kind", $"{kind}", $"what '{command.Issuer}' may ask for: {rights}");
    }

    private static CommandRefusal? CheckContent(SignedCommand envelope)
    {
        LifecycleCommand command = envelope.Command;
        if (string.IsNullOrWhiteSpace(command.Reason))
        {
            return Refusal(envelope, CommandFault.Unannotated, "reason", command.Reason.Trim(), "a sentence that says why");
        }

        if (string.IsNullOrWhiteSpace(command.Id) || string.IsNullOrWhiteSpace(envelope.Stamp.Nonce))
        {
            string field = string.IsNullOrWhiteSpace(command.Id) ? "id" : "nonce";
            return Refusal(envelope, CommandFault.Malformed, field, string.Empty, "a text that is unique in the run");
        }

        return command.Confidence is null or (>= 0 and <= 1)
            ? null
            : Refusal(
                envelope,
                CommandFault.Malformed,
                "confidence",
                command.Confidence.Value.ToString(CultureInfo.InvariantCulture),
                "a number in [0, 1], or none");
    }

    private CommandRefusal? CheckTime(SignedCommand envelope, DateTimeOffset now)
    {
        CommandStamp stamp = envelope.Stamp;
        if (stamp.IssuedAt - now > _rules.ClockSkew)
        {
            return Refusal(
                envelope, CommandFault.IssuedInFuture, "issued_at", $"{stamp.IssuedAt:O}", $"{now:O} at the latest, by up to {_rules.ClockSkew}");
        }

        TimeSpan lifetime = stamp.Deadline - stamp.IssuedAt;
        if (lifetime <= TimeSpan.Zero || lifetime > _rules.MaximumLifetime)
        {
            return Refusal(
                envelope,
                CommandFault.InvalidWindow,
                "deadline",
                $"{stamp.Deadline:O}",
                $"a moment after issued_at ({stamp.IssuedAt:O}), by up to {_rules.MaximumLifetime}");
        }

        return now <= stamp.Deadline
            ? null
            : Refusal(envelope, CommandFault.Stale, "deadline", $"{stamp.Deadline:O}", $"{now:O} or later");
    }

    private CommandRefusal? CheckNonce(SignedCommand envelope, DateTimeOffset now)
    {
        while (_expiry.TryPeek(out string? nonce, out DateTimeOffset deadline) && deadline < now)
        {
            _expiry.Dequeue();
            _nonces.Remove(nonce);
        }

        if (!_nonces.Add(envelope.Stamp.Nonce))
        {
            return Refusal(envelope, CommandFault.Replayed, "nonce", envelope.Stamp.Nonce, "one that was not seen before");
        }

        _expiry.Enqueue(envelope.Stamp.Nonce, envelope.Stamp.Deadline);
        return null;
    }

    private static CommandRights KindOf(LifecycleCommand command) => command switch
    {
        GerminateCommand => CommandRights.Germinate,
        CullCommand => CommandRights.Cull,
        FossilizeCommand => CommandRights.Fossilize,
        _ => CommandRights.None,
    };
}

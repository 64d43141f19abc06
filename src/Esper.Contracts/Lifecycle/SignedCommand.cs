using System.Collections.Immutable;

namespace Esper.Contracts.Lifecycle;

/// <summary>When in a run a command was issued: what its nonce is made of, and the same in every replay.</summary>
/// <param name="Epoch">Epochs completed.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Ordinal">Number of the command among those of its issuer at this moment, from 0.</param>
public readonly record struct CommandMoment(int Epoch, long Step, int Ordinal);

/// <summary>What is stated about a command beside the command itself.</summary>
/// <param name="Signer">Who signed; must be the command's issuer.</param>
/// <param name="RunId">The run that it is meant for.</param>
/// <param name="IssuedAt">When it was signed. Nothing but its validity rests on it.</param>
/// <param name="Deadline">Until when, this moment included, it may be carried out.</param>
/// <param name="Nonce">Unique in the run; a second command with it is a replay.</param>
public sealed record CommandStamp(string Signer, string RunId, DateTimeOffset IssuedAt, DateTimeOffset Deadline, string Nonce);

/// <summary>A command with its stamp and a signature over both; see <see cref="CommandCodec"/> for the bytes signed.</summary>
/// <param name="Command">The command.</param>
/// <param name="Stamp">Who, for which run, and when.</param>
/// <param name="Signature">HMAC-SHA256 (32 bytes) over the canonical form; empty for a command that is not signed.</param>
public sealed record SignedCommand(LifecycleCommand Command, CommandStamp Stamp, ImmutableArray<byte> Signature);

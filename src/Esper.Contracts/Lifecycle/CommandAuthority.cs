using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Esper.Contracts.Lifecycle;

/// <summary>
/// Holds the key of one sitting of a run, and makes signers and the guard from it. The key comes from the operating system's random
/// source, lives in this object alone and is gone with it: no log and no checkpoint has it, and a resumed run has another.
/// </summary>
public sealed class CommandAuthority : IDisposable
{
    private const int KeyBytes = 32;
    private readonly byte[] _key;
    private bool _disposed;

    private CommandAuthority(string runId, byte[] key, CommandClock clock) => (RunId, _key, Clock) = (runId, key, clock);

    /// <summary>The run that the key belongs to.</summary>
    public string RunId { get; }

    /// <summary>The clock of signers and guard.</summary>
    public CommandClock Clock { get; }

    /// <summary>Creates an authority with a fresh key.</summary>
    public static CommandAuthority Create(string runId, TimeProvider clock) =>
        FromKey(runId, RandomNumberGenerator.GetBytes(KeyBytes), clock);

    /// <summary>Creates an authority with a given key, for processes that were handed it, and for tests.</summary>
    /// <exception cref="ArgumentException">The key has not 32 bytes.</exception>
    public static CommandAuthority FromKey(string runId, ReadOnlySpan<byte> key, TimeProvider clock)
    {
        ArgumentException.ThrowIfNullOrEmpty(runId);
        return key.Length == KeyBytes
            ? new CommandAuthority(runId, key.ToArray(), new CommandClock(clock))
            : throw new ArgumentException($"A key has {KeyBytes} bytes, this one has {key.Length}.", nameof(key));
    }

    /// <summary>A signer whose signatures say that a command is of this issuer: each issuer has a key of its own.</summary>
    public CommandSigner SignerFor(string issuer) => new(this, issuer);

    /// <summary>A guard that admits commands of the given issuers.</summary>
    /// <param name="rights">What each known issuer may ask for.</param>
    /// <param name="rules">Limits in time.</param>
    public CommandGuard CreateGuard(ImmutableDictionary<string, CommandRights> rights, CommandRules rules) =>
        new(this, rights, rules);

    /// <summary>Overwrites the key.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        _disposed = true;
    }

    /// <summary>HMAC-SHA256 with the issuer's key, which HKDF derives from the run's.</summary>
    internal byte[] Sign(string issuer, ReadOnlySpan<byte> canonical)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        byte[] key = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, _key, KeyBytes, Encoding.UTF8.GetBytes(RunId), Encoding.UTF8.GetBytes("esper.command/" + issuer));
        try
        {
            return HMACSHA256.HashData(key, canonical);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}

/// <summary>
/// Time of a run: the wall clock at its start, moved on by the monotonic clock, so that a correction of the wall clock in the middle
/// of a run can make no command stale.
/// </summary>
public sealed class CommandClock(TimeProvider clock)
{
    private readonly DateTimeOffset _start = clock.GetUtcNow();
    private readonly long _started = clock.GetTimestamp();

    /// <summary>Now, never before an earlier answer.</summary>
    public DateTimeOffset Now => _start + clock.GetElapsedTime(_started);
}

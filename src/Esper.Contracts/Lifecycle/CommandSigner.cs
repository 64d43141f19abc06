using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Esper.Contracts.Lifecycle;

/// <summary>Signs commands as one issuer.</summary>
public sealed class CommandSigner
{
    /// <summary>How long a command is good for, unless its signer says otherwise.</summary>
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(1);

    private readonly CommandAuthority _authority;

    internal CommandSigner(CommandAuthority authority, string issuer)
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        (_authority, Issuer) = (authority, issuer);
    }

    /// <summary>Whose signature it is.</summary>
    public string Issuer { get; }

    /// <summary>Signs a command.</summary>
    /// <param name="command">The command. That its issuer is this one is for the guard to check.</param>
    /// <param name="moment">When in the run; makes the nonce.</param>
    /// <param name="now">Issued-at, by <see cref="CommandAuthority.Clock"/>.</param>
    /// <param name="lifetime">From then to the deadline; null = <see cref="DefaultLifetime"/>.</param>
    /// <exception cref="FormatException">The command has no canonical form.</exception>
    public SignedCommand Sign(LifecycleCommand command, CommandMoment moment, DateTimeOffset now, TimeSpan? lifetime = null)
    {
        CommandStamp stamp = new(Issuer, _authority.RunId, now, now + (lifetime ?? DefaultLifetime), NonceOf(moment));
        return new SignedCommand(command, stamp, [.. _authority.Sign(Issuer, CommandCodec.Canonical(command, stamp))]);
    }

    // Not random: a replay of the run gives every command the nonce that it had.
    private string NonceOf(CommandMoment moment)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"esper.nonce\n{_authority.RunId}\n{Issuer}\n{moment.Epoch}\n{moment.Step}\n{moment.Ordinal}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }
}

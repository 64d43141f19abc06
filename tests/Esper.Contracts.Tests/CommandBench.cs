using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Tests;

/// <summary>An authority with a known key, a policy that may do everything, a governor that may cull, and a guard.</summary>
internal sealed class CommandBench : IDisposable
{
    public const string RunId = "run-7";
    public static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];
    public static readonly CommandMoment Moment = new(3, 120, 0);

    public CommandBench(CommandRules? rules = null)
    {
        Authority = CommandAuthority.FromKey(RunId, Key, Clock);
        Guard = Authority.CreateGuard(
            ImmutableDictionary<string, CommandRights>.Empty
                .Add("policy", CommandRights.All)
                .Add("governor", CommandRights.Cull),
            rules ?? CommandRules.Default);
    }

    public ManualClock Clock { get; } = new();

    public CommandAuthority Authority { get; }

    public CommandGuard Guard { get; }

    public DateTimeOffset Now => Authority.Clock.Now;

    public static GerminateCommand Germinate { get; } =
        new("policy-3-1", "policy", new SeedId(1, 2), "bottleneck-8", "it grows") { Confidence = 0.75 };

    public void Dispose() => Authority.Dispose();

    public SignedCommand Sign(LifecycleCommand command, string? signer = null, CommandMoment? moment = null, TimeSpan? lifetime = null) =>
        Authority.SignerFor(signer ?? command.Issuer).Sign(command, moment ?? Moment, Now, lifetime);

    /// <summary>The fault that the guard finds; null if it admits the command.</summary>
    public CommandFault? Fault(SignedCommand command) => Guard.Admit(command, Now).Refusal?.Fault;

    /// <summary>Signs whatever the stamp says, as one who holds the key could.</summary>
    public SignedCommand Resign(LifecycleCommand command, Func<CommandStamp, CommandStamp> change)
    {
        // The signer takes its stamp from run and clock, so that odd stamps need an authority of that run.
        SignedCommand honest = Sign(command);
        CommandStamp stamp = change(honest.Stamp);
        byte[] key = System.Security.Cryptography.HKDF.DeriveKey(
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            Key,
            32,
            System.Text.Encoding.UTF8.GetBytes(RunId),
            System.Text.Encoding.UTF8.GetBytes("esper.command/" + stamp.Signer));
        byte[] signature = System.Security.Cryptography.HMACSHA256.HashData(key, CommandCodec.Canonical(command, stamp));
        return new SignedCommand(command, stamp, [.. signature]);
    }
}

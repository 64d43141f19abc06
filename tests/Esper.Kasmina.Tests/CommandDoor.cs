using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Kasmina.Tests;

/// <summary>Signs a command as its own issuer and takes it past the guard.</summary>
internal sealed class CommandDoor : IDisposable
{
    private readonly CommandAuthority _authority = CommandAuthority.Create("test", TimeProvider.System);
    private int _commands;

    public AdmittedCommand Admit(LifecycleCommand command)
    {
        CommandGuard guard = _authority.CreateGuard(
            ImmutableDictionary<string, CommandRights>.Empty.Add(command.Issuer, CommandRights.All), CommandRules.Default);
        SignedCommand signed = _authority.SignerFor(command.Issuer).Sign(
            command, new CommandMoment(0, 0, _commands++), _authority.Clock.Now);
        return guard.Admit(signed, _authority.Clock.Now).Command ?? throw new InvalidOperationException("The guard refused.");
    }

    public void Dispose() => _authority.Dispose();
}

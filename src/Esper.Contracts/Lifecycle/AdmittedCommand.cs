namespace Esper.Contracts.Lifecycle;

/// <summary>
/// A command that passed the guard. Only <see cref="CommandGuard"/> makes one, and the lifecycle takes nothing else, so that no
/// command reaches a gate unchecked. It is good for one execution.
/// </summary>
public sealed class AdmittedCommand
{
    private readonly LifecycleCommand _command;
    private int _used;

    internal AdmittedCommand(LifecycleCommand command) => _command = command;

    /// <summary>Hands the command out for its execution.</summary>
    /// <exception cref="InvalidOperationException">It was handed out before.</exception>
    public LifecycleCommand Consume() => Interlocked.Exchange(ref _used, 1) == 0
        ? _command
        : throw new InvalidOperationException($"Command '{_command.Id}' was carried out before; an admission is good for one execution.");
}

/// <summary>What the guard said: an admitted command or a refusal, never both.</summary>
public readonly struct CommandAdmission
{
    private CommandAdmission(AdmittedCommand? command, CommandRefusal? refusal) => (Command, Refusal) = (command, refusal);

    /// <summary>The admitted command; null where it was refused.</summary>
    public AdmittedCommand? Command { get; }

    /// <summary>The refusal; null where it was admitted.</summary>
    public CommandRefusal? Refusal { get; }

    internal static CommandAdmission Admit(LifecycleCommand command) => new(new AdmittedCommand(command), null);

    internal static CommandAdmission Refuse(CommandRefusal refusal) => new(null, refusal);
}

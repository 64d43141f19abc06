namespace Esper.Cli;

/// <summary>The command line is wrong: shown as one line, with a hint, and exit code 2.</summary>
internal sealed class UsageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, in one sentence.</param>
    /// <param name="hint">How to put it right; null where the message says it.</param>
    public UsageException(string message, string? hint = null)
        : base(message) => Hint = hint;

    /// <summary>How to put it right; null where the message says it.</summary>
    public string? Hint { get; }
}

namespace Esper.Cli;

/// <summary>Exit codes of <c>esper</c>; its help and documentation list the same.</summary>
internal static class ExitCode
{
    /// <summary>Done as asked.</summary>
    public const int Success = 0;

    /// <summary>Could not be done: bad data, bad configuration, a broken environment.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Stopped on request (Ctrl-C or SIGTERM).</summary>
    public const int Interrupted = 130;
}

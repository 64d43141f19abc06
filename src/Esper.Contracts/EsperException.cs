namespace Esper.Contracts;

/// <summary>
/// Something a person can mend: bad input, bad configuration, a broken environment. The message names the place and the fix and
/// is shown as it is, without a stack trace.
/// </summary>
public class EsperException : Exception
{
    /// <summary>Creates the exception with a message that names the place and the fix.</summary>
    public EsperException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public EsperException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception without a message of its own; prefer the others.</summary>
    public EsperException()
    {
    }
}

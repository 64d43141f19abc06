using Esper.Contracts;

namespace Esper.Data;

/// <summary>
/// A data set cannot be used: a file is missing or damaged. The message names the file, the byte and the expectation.
/// </summary>
public sealed class DataException : EsperException
{
    /// <summary>Creates the exception with a message that names the place and the fix.</summary>
    public DataException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public DataException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception without a message of its own; prefer the others.</summary>
    public DataException()
    {
    }

    /// <summary>A file whose content is wrong at a byte.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="offset">Byte offset in the file, or in its decompressed content where it is compressed.</param>
    /// <param name="expected">What the format asks for there.</param>
    /// <param name="found">What is there.</param>
    /// <param name="cause">The exception that revealed it, if any.</param>
    internal static DataException At(string file, long offset, string expected, string found, Exception? cause = null)
    {
        string message = $"{file}: byte {offset}: expected {expected}, found {found}";
        return cause is null ? new DataException(message) : new DataException(message, cause);
    }
}

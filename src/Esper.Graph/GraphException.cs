using Esper.Contracts;

namespace Esper.Graph;

/// <summary>A host graph that is wrong: the message names the node, its operator and what does not fit.</summary>
public sealed class GraphException : EsperException
{
    /// <summary>Creates the exception with a message that names the place and the fix.</summary>
    public GraphException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public GraphException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception without a message of its own; prefer the others.</summary>
    public GraphException()
    {
    }
}

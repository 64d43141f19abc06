using Esper.Contracts;

namespace Esper.Graph.Onnx;

/// <summary>A file or tensor that is not what ONNX describes: the message names the place.</summary>
public sealed class OnnxFormatException : EsperException
{
    /// <summary>Creates the exception with a message that names the place.</summary>
    public OnnxFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public OnnxFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception without a message of its own; prefer the others.</summary>
    public OnnxFormatException()
    {
    }
}

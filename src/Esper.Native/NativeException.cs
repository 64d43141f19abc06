using System.Diagnostics.CodeAnalysis;
using Esper.Contracts;

namespace Esper.Native;

/// <summary>A native call failed; the message carries the library's text.</summary>
[SuppressMessage("Design", "CA1032", Justification = "Without a status the exception says nothing.")]
public sealed class NativeException : EsperException
{
    internal NativeException(NativeStatus status, string nativeText, string message)
        : base(message)
    {
        Status = status;
        NativeText = nativeText;
    }

    /// <summary>Kind of failure.</summary>
    public NativeStatus Status { get; }

    /// <summary>The library's own description, without the operation's name.</summary>
    public string NativeText { get; }
}

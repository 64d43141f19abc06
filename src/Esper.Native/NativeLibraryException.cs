using System.Diagnostics.CodeAnalysis;
using Esper.Contracts;

namespace Esper.Native;

/// <summary>A native library is missing, broken or stale; the message lists what was tried and names the fix.</summary>
[SuppressMessage("Design", "CA1032", Justification = "The message must name what was tried and the fix.")]
public sealed class NativeLibraryException : EsperException
{
    internal NativeLibraryException(string message)
        : base(message)
    {
    }
}

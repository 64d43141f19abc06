using System.Diagnostics.CodeAnalysis;

namespace Esper.Native;

/// <summary>A stream of the CUDA driver (<c>CUstream</c>), on which work queues up in order.</summary>
/// <param name="Handle">The driver's handle; 0 = the legacy default stream.</param>
[SuppressMessage("Naming", "CA1711", Justification = "CUDA's own word for it.")]
public readonly record struct CudaStream(ulong Handle)
{
    /// <summary>The legacy default stream.</summary>
    public static CudaStream Default => default;

    internal unsafe void* Raw => (void*)checked((nuint)Handle);
}

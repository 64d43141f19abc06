using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>What an open device runs, and where its kernels came from.</summary>
/// <param name="Capability">Compute capability of the device.</param>
/// <param name="Multiprocessors">Multiprocessors of the device.</param>
/// <param name="Nvrtc">Version of the NVRTC in use; null = none, the PTX built into the library serves.</param>
/// <param name="Compiled">Images that NVRTC compiled since the device was opened.</param>
/// <param name="Cached">Images that were found in the cache.</param>
/// <param name="BuiltIn">Images that the driver made from the built-in PTX.</param>
/// <param name="ForwardBlocks">Blocks of the fixed grid of a forward pass; 0 = no kernels loaded yet.</param>
/// <param name="BackwardBlocks">Likewise of a backward pass.</param>
/// <param name="Note">
/// What did not work without being an error (the cache's folder cannot be written, the built-in PTX had to replace NVRTC), "" if all
/// did.
/// </param>
public sealed record CudaDescription(
    Version? Capability,
    int Multiprocessors,
    Version? Nvrtc,
    int Compiled,
    int Cached,
    int BuiltIn,
    int ForwardBlocks,
    int BackwardBlocks,
    string Note)
{
    internal static unsafe CudaDescription FromNative(EsperCudaDescription description) => new(
        CudaVersion.OfCapability(description.Capability),
        description.Multiprocessors,
        CudaVersion.OfRelease(description.Nvrtc),
        description.Compiled,
        description.Cached,
        description.Builtin,
        description.ForwardBlocks,
        description.BackwardBlocks,
        Utf8.Read(description.Note));
}

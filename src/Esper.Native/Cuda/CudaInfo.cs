using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>What there is of CUDA on this machine.</summary>
/// <param name="Driver">CUDA version of the driver; null = no driver.</param>
/// <param name="Nvrtc">Version of NVRTC, the run-time compiler; null = not found.</param>
/// <param name="Devices">Number of devices.</param>
/// <param name="Capability">Compute capability of device 0; null = no device.</param>
/// <param name="Multiprocessors">Multiprocessors of device 0.</param>
/// <param name="Memory">Bytes of memory of device 0.</param>
/// <param name="Name">Name of device 0, "" without one.</param>
/// <param name="Problem">Why CUDA cannot be used, "" if it can.</param>
public sealed record CudaInfo(
    Version? Driver, Version? Nvrtc, int Devices, Version? Capability, int Multiprocessors, long Memory, string Name, string Problem)
{
    /// <summary>Whether kernels can run here.</summary>
    public bool IsUsable => Problem.Length == 0;

    /// <summary>Asks the machine; a machine without CUDA is an answer, not a failure.</summary>
    /// <exception cref="NativeLibraryException">libesper cannot be loaded.</exception>
    public static unsafe CudaInfo Query()
    {
        EsperCudaInfo info = EsperCudaInfo.Create();
        Status.Check(EsperApi.CudaQuery(&info));
        return FromNative(info);
    }

    internal static unsafe CudaInfo FromNative(EsperCudaInfo info) => new(
        CudaVersion.OfRelease(info.Driver),
        CudaVersion.OfRelease(info.Nvrtc),
        info.Devices,
        CudaVersion.OfCapability(info.Capability),
        info.Multiprocessors,
        info.Memory,
        Utf8.Read(info.Name),
        Utf8.Read(info.Problem));
}

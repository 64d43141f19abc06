using System.Collections.Immutable;

namespace Esper.Cli.Doctor;

/// <summary>How much a problem matters.</summary>
internal enum Severity
{
    /// <summary>Training works, but slower or less than it could.</summary>
    Warning,

    /// <summary>Training does not work.</summary>
    Error,
}

/// <summary>Something that is wrong with the machine.</summary>
/// <param name="What">What is wrong.</param>
/// <param name="Fix">How to put it right.</param>
/// <param name="Severity">How much it matters: <c>error</c> or <c>warning</c>.</param>
internal sealed record Problem(string What, string Fix, string Severity);

/// <summary>A native library.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Loaded">Whether it could be loaded and checked.</param>
/// <param name="Path">Where it was loaded from; null if unknown.</param>
/// <param name="Version">Version; null if unknown.</param>
/// <param name="Compiler">Compiler that built it; null if unknown.</param>
internal sealed record NativeLibraryReport(string Name, bool Loaded, string? Path, string? Version, string? Compiler);

/// <summary>The kernels of one instruction set.</summary>
/// <param name="Isa">The instruction set.</param>
/// <param name="Error">Largest normalised mean square error against the reference; null if they could not run or it is not finite.</param>
/// <param name="Ok">Whether the error is within the bound.</param>
internal sealed record KernelReport(string Isa, double? Error, bool Ok);

/// <summary>A data set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Available">Whether it can be loaded.</param>
/// <param name="Detail">What it holds, or why it cannot be loaded.</param>
internal sealed record DataReport(string Name, bool Available, string Detail);

/// <summary>CUDA, as libesper's kernels and as libtorch see it.</summary>
/// <param name="Usable">Whether libesper's kernels can run on a device.</param>
/// <param name="Problem">Why they cannot, "" if they can.</param>
/// <param name="Driver">CUDA version of the driver; null without one.</param>
/// <param name="Nvrtc">Version of NVRTC; null where it was not found.</param>
/// <param name="Ptx">Storage types that the library carries PTX for; empty if it carries none.</param>
/// <param name="Devices">Number of devices.</param>
/// <param name="Device">Name of device 0; null without one.</param>
/// <param name="Capability">Compute capability of device 0; null without one.</param>
/// <param name="Multiprocessors">Multiprocessors of device 0.</param>
/// <param name="MemoryBytes">Memory of device 0.</param>
/// <param name="LibtorchBuilt">Whether libtorch was built with CUDA; null if it could not be asked.</param>
/// <param name="LibtorchAvailable">Whether libtorch finds a device; null if it could not be asked.</param>
internal sealed record CudaReport(
    bool Usable,
    string Problem,
    string? Driver,
    string? Nvrtc,
    ImmutableArray<string> Ptx,
    int Devices,
    string? Device,
    string? Capability,
    int Multiprocessors,
    long MemoryBytes,
    bool? LibtorchBuilt,
    bool? LibtorchAvailable);

/// <summary>What <c>esper doctor</c> found.</summary>
/// <param name="Ready">Whether training works on this machine.</param>
/// <param name="CpuModel">Processor name; null if libesper could not be asked.</param>
/// <param name="CpuIsa">Instruction set in use; null if libesper could not be asked.</param>
/// <param name="Cores">Cores that this process may run on.</param>
/// <param name="Libtorch">Version of libtorch; null if it could not be loaded.</param>
/// <param name="Blas">What the loaded BLAS says of itself; null if it could not be asked.</param>
/// <param name="MatmulGflops">Speed of matrix products in GFLOP/s; null if not measured.</param>
/// <param name="Cuda">CUDA; null if libesper could not be asked.</param>
/// <param name="Native">The native libraries.</param>
/// <param name="Kernels">The kernels of each instruction set of this processor.</param>
/// <param name="Operators">Operators of the training host.</param>
/// <param name="TrainingLosses">Losses of a tiny training, before each of two steps and after; null if it could not run.</param>
/// <param name="Data">The data sets.</param>
/// <param name="OpenblasEnvironment">What was done about OpenBLAS variables; empty if none was set.</param>
/// <param name="Problems">What is wrong, errors first.</param>
internal sealed record DoctorReport(
    bool Ready,
    string? CpuModel,
    string? CpuIsa,
    int Cores,
    string? Libtorch,
    string? Blas,
    double? MatmulGflops,
    CudaReport? Cuda,
    ImmutableArray<NativeLibraryReport> Native,
    ImmutableArray<KernelReport> Kernels,
    ImmutableArray<string> Operators,
    ImmutableArray<double>? TrainingLosses,
    ImmutableArray<DataReport> Data,
    string OpenblasEnvironment,
    ImmutableArray<Problem> Problems);

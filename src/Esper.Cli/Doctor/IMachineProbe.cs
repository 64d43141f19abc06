using Esper.Native;

namespace Esper.Cli.Doctor;

/// <summary>
/// Asks the machine and the native libraries one question at a time. Every answer may instead be an exception of a broken
/// environment, an <see cref="Contracts.EsperException"/> whose message names the fix.
/// </summary>
internal interface IMachineProbe
{
    /// <summary>The processor; the first call that needs libesper.</summary>
    CpuInfo Cpu();

    /// <summary>The instruction set that kernels use when none is asked for, <c>ESPER_CPU_ISA</c> considered.</summary>
    CpuIsa ActiveIsa();

    /// <summary>What libesper says of its build, one line of JSON.</summary>
    string KernelBuild();

    /// <summary>Runs the kernels of an instruction set against the double precision reference.</summary>
    /// <returns>The largest normalised mean square error of any output.</returns>
    double KernelError(CpuIsa isa);

    /// <summary>What there is of CUDA, for libesper's kernels.</summary>
    CudaInfo Cuda();

    /// <summary>What was done about OpenBLAS variables in the environment; empty if none was set.</summary>
    string OpenBlasNotice();

    /// <summary>What libesper_host says of itself, one line of JSON; the first call that needs libtorch.</summary>
    string HostInfo();

    /// <summary>Operators of the training host.</summary>
    IReadOnlyList<string> Operators();

    /// <summary>Speed of matrix products in GFLOP/s over all cores.</summary>
    double MatmulGflops();

    /// <summary>Trains a tiny network with an active seed for two steps.</summary>
    /// <returns>The loss before each step, and after the last.</returns>
    IReadOnlyList<double> TrainTwoSteps();

    /// <summary>Path of a library that this process has loaded; null if it has not, or the system does not tell.</summary>
    /// <param name="name">Name without prefix and extension, such as <c>esper_host</c>.</param>
    string? PathOf(string name);

    /// <summary>Tries to read a data set.</summary>
    /// <returns>What it holds, in a few words.</returns>
    string ReadDataset(string name, string? path);
}

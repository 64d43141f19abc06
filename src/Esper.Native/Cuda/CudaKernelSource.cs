namespace Esper.Native;

/// <summary>Where the kernels of a device come from. The numbers are those of <c>esper_cuda_options.source</c>.</summary>
public enum CudaKernelSource
{
    /// <summary>NVRTC where it is installed, else the PTX built into the library.</summary>
    Automatic = 0,

    /// <summary>NVRTC; refused where there is none.</summary>
    Nvrtc = 1,

    /// <summary>The PTX built into the library; refused where the build has none.</summary>
    BuiltIn = 2,
}

using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>What the native libraries say of themselves and of the machine.</summary>
public static unsafe class NativeInfo
{
    /// <summary>The processor.</summary>
    /// <exception cref="NativeLibraryException">libesper cannot be loaded.</exception>
    public static CpuInfo Cpu
    {
        get
        {
            EsperCpuInfo info = EsperCpuInfo.Create();
            Status.Check(EsperApi.CpuQuery(&info));
            return new CpuInfo(Utf8.Read(info.Model), (CpuIsa)info.BestIsa, info.LogicalCores);
        }
    }

    /// <summary>One line of JSON about libesper: version, compiler, build, isa.</summary>
    public static string BuildInfo => Utf8.Read(EsperApi.BuildInfo());

    /// <summary>
    /// One line of JSON about libesper_host: libtorch, threads, blas, parallel, cuda_built, cuda_available,
    /// cpu_capability.
    /// </summary>
    /// <exception cref="NativeLibraryException">libesper_host cannot be loaded.</exception>
    public static string HostInfo => Utf8.Read(EsperHostApi.Info());

    /// <summary>Operators that the training host runs; those of the domain "esper" carry it as a prefix.</summary>
    /// <exception cref="NativeLibraryException">libesper_host cannot be loaded.</exception>
    public static IReadOnlyList<string> HostOperators =>
        Utf8.Read(EsperHostApi.Operators()).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Median GFLOP/s of a few 1024 x 1024 float products with the current threads; well under a second.</summary>
    /// <exception cref="NativeLibraryException">libesper_host cannot be loaded.</exception>
    public static double MeasureMatmul()
    {
        double gflops;
        Status.CheckHost(EsperHostApi.MeasureMatmul(&gflops));
        return gflops;
    }

    /// <summary>Whether libesper's lifecycle table has the transition.</summary>
    public static bool TransitionAllowed(SeedStage from, SeedStage to) =>
        EsperApi.TransitionAllowed((int)from, (int)to) != 0;

    /// <summary>libesper's name of a stage, "unknown" for values that are none.</summary>
    public static string StageName(SeedStage stage) => Utf8.Read(EsperApi.StageName((int)stage));

    /// <summary>libesper's name of an instruction set, "unknown" for values that are none.</summary>
    public static string IsaName(CpuIsa isa) => Utf8.Read(EsperApi.IsaName((int)isa));
}

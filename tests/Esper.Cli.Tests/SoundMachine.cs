using Esper.Cli.Doctor;
using Esper.Native;

namespace Esper.Cli.Tests;

/// <summary>A machine on which everything works; tests break one answer at a time.</summary>
internal class SoundMachine : IMachineProbe
{
    public const string Build = """{"version":"0.1.0","compiler":"gcc 12","build":"release","isa":["scalar","avx2"]}""";

    public virtual CpuInfo Cpu() => new("Test CPU", CpuIsa.Avx2, 2);

    public virtual CpuIsa ActiveIsa() => CpuIsa.Avx2;

    public virtual string KernelBuild() => Build;

    public virtual double KernelError(CpuIsa isa) => 1e-14;

    public virtual CudaInfo Cuda() => new(null, null, 0, null, 0, 0, "", "libcuda.so.1 could not be opened: no such file");

    public virtual string OpenBlasNotice() => string.Empty;

    public virtual string HostInfo() =>
        """{"libtorch":"1.13.1","threads":2,"blas":"OpenBLAS 0.3.21","parallel":"OpenMP","cuda_built":false,"cuda_available":false}""";

    public virtual IReadOnlyList<string> Operators() => ["Conv", "esper.Lattice"];

    public virtual double MatmulGflops() => 300;

    public virtual IReadOnlyList<double> TrainTwoSteps() => [1.1, 1.0, 0.9];

    public virtual string? PathOf(string name) => $"/opt/esper/lib{name}.so";

    public virtual string ReadDataset(string name, string? path) =>
        path is null or "data" ? "10 classes" : throw new Esper.Data.DataException($"{path}: no such directory");
}

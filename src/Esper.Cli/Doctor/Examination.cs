using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Esper.Data;
using Esper.Native;

namespace Esper.Cli.Doctor;

/// <summary>Examines the machine: one question after the other, and what follows from the answers.</summary>
internal sealed class Examination
{
    /// <summary>Largest normalised mean square error of a float kernel; the bound of docs/numerics.md.</summary>
    public const double LargestKernelError = 1e-10;

    /// <summary>GFLOP/s a core below which the BLAS is not one made for speed.</summary>
    public const double SlowestMatmul = 20;

    private const string Rebuild = "build the native libraries with ./build.sh build";
    private const string MendCuda =
        "install NVRTC (the CUDA toolkit, the Python wheel nvidia-cuda-nvrtc or Debian's libnvrtc11.2) or a newer driver";
    private const string InstallBlas = "./build.sh setup installs libopenblas0-pthread";
    private readonly IMachineProbe _probe;
    private readonly Problems _problems = new();

    private Examination(IMachineProbe probe) => _probe = probe;

    /// <summary>Examines the machine.</summary>
    /// <param name="probe">Answers the questions.</param>
    /// <param name="dataPath">Directory or file to look for data sets in; null = only what is built in.</param>
    public static DoctorReport Run(IMachineProbe probe, string? dataPath) => new Examination(probe).Run(dataPath);

    private DoctorReport Run(string? dataPath)
    {
        CpuInfo? cpu = _problems.Ask(_probe.Cpu, Rebuild);
        int cores = cpu?.LogicalCores ?? Environment.ProcessorCount;
        JsonElement? build = cpu is null ? null : Document(_probe.KernelBuild);
        string? isa = cpu is null
            ? null
            : _problems.Ask(() => IsaName(_probe.ActiveIsa()), "unset ESPER_CPU_ISA, or set it to what the processor has");
        ImmutableArray<KernelReport> kernels = cpu is null ? [] : CheckKernels(cpu.BestIsa);
        string notice = cpu is null ? string.Empty : _problems.Ask(_probe.OpenBlasNotice, Rebuild) ?? string.Empty;

        // Without libesper the training host cannot load either; one missing library is told once.
        JsonElement? host = cpu is null ? null : Document(_probe.HostInfo);
        string? blas = Text(host, "blas");
        double? gflops = host is null ? null : MeasureMatmul(blas, cores);
        ImmutableArray<double>? losses = host is null ? null : TrainTwoSteps();
        ImmutableArray<DataReport> data = LookForData(dataPath);
        return new DoctorReport(
            Ready: !_problems.HasErrors,
            CpuModel: cpu?.Model,
            CpuIsa: isa,
            Cores: cores,
            Libtorch: Text(host, "libtorch"),
            Blas: blas,
            MatmulGflops: gflops,
            Cuda: cpu is null ? null : LookForCuda(build, host),
            Native: [Library("esper", build), Library("esper_host", host)],
            Kernels: kernels,
            Operators: host is null ? [] : [.. _problems.Ask(_probe.Operators, Rebuild) ?? []],
            TrainingLosses: losses,
            Data: data,
            OpenblasEnvironment: notice,
            Problems: _problems.ToArray());
    }

    private ImmutableArray<KernelReport> CheckKernels(CpuIsa best)
    {
        ImmutableArray<KernelReport>.Builder reports = ImmutableArray.CreateBuilder<KernelReport>();
        for (CpuIsa isa = CpuIsa.Scalar; isa <= best; isa++)
        {
            string name = IsaName(isa);
            object? error = _problems.Ask<object>(() => _probe.KernelError(isa), Rebuild);

            // Written so that NaN fails.
            bool ok = error is double value && value <= LargestKernelError;
            reports.Add(new KernelReport(name, error is double shown && double.IsFinite(shown) ? shown : null, ok));
            if (error is double wrong && !ok)
            {
                _problems.Add(
                    Severity.Error,
                    string.Create(CultureInfo.InvariantCulture, $"the {name} kernels differ from the reference by {wrong:0.0e0} (bound {LargestKernelError:0e0})"),
                    "rebuild libesper with ./build.sh build; if it stays so, ESPER_CPU_ISA=scalar avoids them");
            }
        }

        return reports.ToImmutable();
    }

    private CudaReport? LookForCuda(JsonElement? build, JsonElement? host)
    {
        if (_problems.Ask(_probe.Cuda, Rebuild) is not { } cuda)
        {
            return null;
        }

        // A machine without a device needs no CUDA; one that has a device which nothing can run on is worth a word.
        if (cuda is { Devices: > 0, IsUsable: false })
        {
            _problems.Add(Severity.Warning, $"the kernels cannot run on {cuda.Name}: {cuda.Problem}", MendCuda);
        }

        return new CudaReport(
            cuda.IsUsable,
            cuda.Problem,
            cuda.Driver?.ToString(),
            cuda.Nvrtc?.ToString(),
            Texts(build, "ptx"),
            cuda.Devices,
            cuda.Name.Length > 0 ? cuda.Name : null,
            cuda.Capability?.ToString(),
            cuda.Multiprocessors,
            cuda.Memory,
            host is null ? null : Flag(host, "cuda_built"),
            host is null ? null : Flag(host, "cuda_available"));
    }

    private double? MeasureMatmul(string? blas, int cores)
    {
        if (_problems.Ask<object>(() => _probe.MatmulGflops(), Rebuild) is not double gflops)
        {
            return null;
        }

        if (blas?.Contains("reference", StringComparison.OrdinalIgnoreCase) == true)
        {
            _problems.Add(Severity.Warning, "libtorch runs on the reference BLAS, which is slow by a factor of 50 and more", InstallBlas);
        }
        else if (gflops < SlowestMatmul * cores)
        {
            _problems.Add(
                Severity.Warning,
                string.Create(CultureInfo.InvariantCulture, $"matrix products run at {gflops:0.#} GFLOP/s on {cores} cores; {SlowestMatmul:0} a core is the least to expect"),
                $"see that nothing else keeps the machine busy, and that the BLAS is OpenBLAS: {InstallBlas}");
        }

        return gflops;
    }

    private ImmutableArray<double>? TrainTwoSteps()
    {
        if (_problems.Ask(_probe.TrainTwoSteps, Rebuild) is not { } losses)
        {
            return null;
        }

        if (!losses.All(double.IsFinite) || losses[^1] >= losses[0])
        {
            string course = string.Join(", ", losses.Select(loss => loss.ToString("0.####", CultureInfo.InvariantCulture)));
            _problems.Add(Severity.Error, $"two steps of a tiny training did not lower its loss: {course}", Rebuild);
        }

        return losses.All(double.IsFinite) ? [.. losses] : null;
    }

    private ImmutableArray<DataReport> LookForData(string? path)
    {
        ImmutableArray<DataReport> reports =
        [
            .. Datasets.Names.Where(name => path is not null || name == Datasets.Glyphs).Select(name => TryData(name, path)),
        ];
        if (path is not null && !reports.Any(report => report.Available && report.Name != Datasets.Glyphs))
        {
            _problems.Add(
                Severity.Error,
                $"no data set can be loaded from {path}",
                string.Join("; ", reports.Where(report => !report.Available).Select(report => $"{report.Name}: {report.Detail}")));
        }

        return reports;
    }

    private DataReport TryData(string name, string? path)
    {
        try
        {
            return new DataReport(name, true, _probe.ReadDataset(name, name == Datasets.Glyphs ? null : path));
        }
        catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException)
        {
            return new DataReport(name, false, e.Message);
        }
    }

    private NativeLibraryReport Library(string name, JsonElement? info) =>
        new($"lib{name}", info is not null, info is null ? null : _probe.PathOf(name), Text(info, "version"), Text(info, "compiler"));

    private JsonElement? Document(Func<string> question) =>
        _problems.Ask(question, Rebuild) is { } json ? JsonElement.Parse(json) : null;

    private static string IsaName(CpuIsa isa) => isa.ToString().ToLowerInvariant();

    private static string? Text(JsonElement? document, string name) =>
        document?.TryGetProperty(name, out JsonElement value) == true ? value.ToString() : null;

    private static ImmutableArray<string> Texts(JsonElement? document, string name) =>
        document?.TryGetProperty(name, out JsonElement value) == true && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ToString())]
            : [];

    private static bool Flag(JsonElement? document, string name) =>
        document?.TryGetProperty(name, out JsonElement value) == true && value.ValueKind == JsonValueKind.True;
}

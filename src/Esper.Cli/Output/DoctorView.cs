using System.Globalization;
using Esper.Cli.Doctor;

namespace Esper.Cli.Output;

/// <summary>Shows what the doctor found, a line a question.</summary>
internal static class DoctorView
{
    private const int LabelWidth = 16;

    /// <summary>Writes the report.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="report">The report.</param>
    /// <param name="width">Characters in a line.</param>
    public static void Write(TextWriter output, DoctorReport report, int width)
    {
        foreach ((string label, bool? good, string text) in Lines(report))
        {
            string mark = good switch { true => "ok", false => "--", null => "  " };
            Wrapped(output, $"{mark}  {label.PadRight(LabelWidth)}  ", text, width);
        }

        foreach (Problem problem in report.Problems)
        {
            output.WriteLine();
            string[] lines = problem.What.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            Wrapped(output, $"{problem.Severity}: ", lines[0], width);
            foreach (string line in lines.Skip(1))
            {
                output.WriteLine($"  {line}");
            }

            Wrapped(output, "  fix: ", problem.Fix, width);
        }

        output.WriteLine();
        output.WriteLine(report.Ready ? "ready to train" : "not ready to train");
    }

    private static IEnumerable<(string Label, bool? Good, string Text)> Lines(DoctorReport report)
    {
        string cores = report.Cores == 1 ? "1 core" : $"{report.Cores} cores";
        yield return ("processor", report.CpuModel is not null, report.CpuModel is null ? cores : $"{report.CpuModel}, {cores}, {report.CpuIsa}");
        foreach (NativeLibraryReport library in report.Native)
        {
            yield return (library.Name, library.Loaded, library.Loaded ? LibraryText(library) : "not loaded");
        }

        if (!report.Kernels.IsEmpty)
        {
            yield return ("kernels", report.Kernels.All(kernel => kernel.Ok), string.Join(", ", report.Kernels.Select(KernelText)));
        }

        yield return ("libtorch", report.Libtorch is not null, report.Libtorch is null ? "not loaded" : $"{report.Libtorch}, {report.Operators.Length} operators");
        yield return ("BLAS", report.Blas is not null, report.Blas ?? "unknown");
        yield return ("matrix products", report.MatmulGflops is null ? false : MatmulIsFast(report), report.MatmulGflops is { } speed
            ? string.Create(CultureInfo.InvariantCulture, $"{speed:0} GFLOP/s ({speed / report.Cores:0} a core)") : "not measured");
        yield return ("training", report.TrainingLosses is not null, report.TrainingLosses is { } losses
            ? "two steps, loss " + string.Join(", ", losses.Select(loss => loss.ToString("0.000", CultureInfo.InvariantCulture))) : "did not run");
        foreach ((string label, string text, bool? good) in Cuda(report.Cuda))
        {
            yield return (label, good, text);
        }

        foreach (DataReport data in report.Data)
        {
            yield return ($"data {data.Name}", data.Available ? true : null, data.Detail);
        }

        if (report.OpenblasEnvironment.Length > 0)
        {
            yield return ("OpenBLAS", null, report.OpenblasEnvironment);
        }
    }

    private static IEnumerable<(string Label, string Text, bool? Good)> Cuda(CudaReport? cuda)
    {
        if (cuda is null)
        {
            yield return ("CUDA", "unknown", null);
            yield break;
        }

        string device = cuda.Device is null ? string.Empty : string.Create(
            CultureInfo.InvariantCulture,
            $"{cuda.Device} (compute {cuda.Capability}, {cuda.Multiprocessors} multiprocessors, {cuda.MemoryBytes / (1024.0 * 1024 * 1024):0} GiB)");
        string more = cuda.Devices > 1 ? string.Create(CultureInfo.InvariantCulture, $"first of {cuda.Devices} devices") : string.Empty;
        yield return ("CUDA", Joined(device, more, cuda.Usable ? string.Empty : $"not usable: {cuda.Problem}"), cuda.Usable ? true : null);
        yield return ("CUDA software", Joined(
            cuda.Driver is null ? "no driver" : $"driver for CUDA {cuda.Driver}",
            cuda.Nvrtc is null ? "no NVRTC" : $"NVRTC {cuda.Nvrtc}",
            cuda.Ptx.IsEmpty ? "no built-in PTX" : $"built-in PTX for {string.Join(", ", cuda.Ptx)}"), null);
        yield return ("CUDA in libtorch", cuda switch
        {
            { LibtorchAvailable: true } => "available",
            { LibtorchBuilt: true } => "built with it, but finds no device",
            { LibtorchBuilt: false } => "built without; 'esper train' runs on the CPU",
            _ => "unknown",
        }, cuda.LibtorchAvailable == true ? true : null);
    }

    private static string Joined(params ReadOnlySpan<string> parts)
    {
        List<string> given = [];
        foreach (string part in parts)
        {
            if (part.Length > 0)
            {
                given.Add(part);
            }
        }

        return string.Join("; ", given);
    }

    private static bool MatmulIsFast(DoctorReport report) => report.MatmulGflops >= Examination.SlowestMatmul * report.Cores;

    private static string LibraryText(NativeLibraryReport library) => string.Join(
        ", ", new[] { library.Version, library.Compiler, library.Path }.Where(part => !string.IsNullOrEmpty(part)));

    private static string KernelText(KernelReport kernel) => kernel.Error is { } error
        ? string.Create(CultureInfo.InvariantCulture, $"{kernel.Isa} (error {error:0.0e0})")
        : $"{kernel.Isa} (failed)";

    private static void Wrapped(TextWriter output, string head, string text, int width)
    {
        foreach (string line in TextWrap.Lines(text, Math.Max(Math.Min(width, 110) - head.Length, 30)))
        {
            output.WriteLine((head + line).TrimEnd());
            head = new string(' ', head.Length);
        }
    }
}

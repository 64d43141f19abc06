using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Esper.Data;
using Esper.Native;

namespace Esper.Cli.Doctor;

/// <summary>Asks the real machine.</summary>
internal sealed class MachineProbe : IMachineProbe
{
    /// <inheritdoc/>
    public CpuInfo Cpu() => NativeInfo.Cpu;

    /// <inheritdoc/>
    public CpuIsa ActiveIsa()
    {
        using KernelContext context = new(threads: 1);
        return context.Isa;
    }

    /// <inheritdoc/>
    public string KernelBuild() => NativeInfo.BuildInfo;

    /// <inheritdoc/>
    public double KernelError(CpuIsa isa) => KernelComparison.LargestError(isa);

    /// <inheritdoc/>
    public CudaInfo Cuda() => CudaInfo.Query();

    /// <inheritdoc/>
    public string OpenBlasNotice() => NativeEnvironment.OpenBlasNotice;

    /// <inheritdoc/>
    public string HostInfo() => NativeInfo.HostInfo;

    /// <inheritdoc/>
    public IReadOnlyList<string> Operators() => NativeInfo.HostOperators;

    /// <inheritdoc/>
    public double MatmulGflops()
    {
        // A session sets libtorch's threads to all cores; before the first it has one, and would be measured with it.
        TinyTraining.Run(steps: 0);
        return NativeInfo.MeasureMatmul();
    }

    /// <inheritdoc/>
    public IReadOnlyList<double> TrainTwoSteps() => TinyTraining.Run(steps: 2);

    /// <inheritdoc/>
    public string? PathOf(string name)
    {
        string file = OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
        try
        {
            using Process process = Process.GetCurrentProcess();
            return process.Modules.Cast<ProcessModule>()
                .Select(module => module.FileName)
                .FirstOrDefault(path => Path.GetFileName(path) == file);
        }
        catch (Exception e) when (e is Win32Exception or PlatformNotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public string ReadDataset(string name, string? path)
    {
        if (name == Datasets.Glyphs)
        {
            // A few drawings show that they can be made; all of them take seconds.
            Glyphs.Generate(trainCount: 10, testCount: 10, Glyphs.DefaultSeed, CancellationToken.None);
            return string.Create(
                CultureInfo.InvariantCulture, $"built in, {Glyphs.DefaultTrainCount} training and {Glyphs.DefaultTestCount} test images");
        }

        return Datasets.Load(name, path, Glyphs.DefaultSeed, CancellationToken.None) switch
        {
            ImageDataset images => string.Create(
                CultureInfo.InvariantCulture,
                $"{images.Train.Count} training and {images.Test.Count} test images of {images.Channels}x{images.Height}x{images.Width}, {images.ClassCount} classes"),
            TextDataset text => string.Create(
                CultureInfo.InvariantCulture, $"{text.Tokens.Length} characters, {text.ClassCount} different ones"),
            var other => string.Create(CultureInfo.InvariantCulture, $"{other.ClassCount} classes"),
        };
    }
}

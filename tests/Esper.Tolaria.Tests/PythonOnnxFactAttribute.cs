using System.Diagnostics;

namespace Esper.Tolaria.Tests;

/// <summary>A test that needs Debian's python3-onnx, and is skipped where it is absent.</summary>
internal sealed class PythonOnnxFactAttribute : FactAttribute
{
    /// <summary>The interpreter that Debian's packages belong to.</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly Lazy<bool> Available = new(() =>
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(Python, ["-c", "import onnx"]) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    public PythonOnnxFactAttribute()
    {
        if (!Available.Value)
        {
            Skip = "python3-onnx is not installed";
        }
    }
}

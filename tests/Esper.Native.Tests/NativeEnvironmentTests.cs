using System.Runtime.InteropServices;
using System.Text.Json;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>Preparation of the process's environment for OpenBLAS, and what the libraries say of themselves.</summary>
public sealed partial class NativeEnvironmentTests
{
    [Fact]
    public unsafe void Values_meant_for_another_machine_are_removed_and_named()
    {
        Assert.Equal(0, SetVariable("OPENBLAS_CORETYPE", "Haswell", 1));
        string notice = Utf8.Read(EsperApi.EnvironmentPrepare());
        Assert.Contains("OPENBLAS_CORETYPE", notice, StringComparison.Ordinal);
        Assert.Equal(0, GetVariable("OPENBLAS_CORETYPE"));
        Assert.Equal("", Utf8.Read(EsperApi.EnvironmentPrepare()));
    }

    [Fact]
    public void Build_info_is_json()
    {
        using JsonDocument document = JsonDocument.Parse(NativeInfo.BuildInfo);
        Assert.Equal(
            ["version", "compiler", "build", "isa", "ptx"], document.RootElement.EnumerateObject().Select(item => item.Name));
    }

    [Fact]
    public void Processor_is_described()
    {
        CpuInfo cpu = NativeInfo.Cpu;
        Assert.NotEmpty(cpu.Model);
        Assert.InRange(cpu.LogicalCores, 1, 4096);
        Assert.InRange(cpu.BestIsa, CpuIsa.Scalar, CpuIsa.Avx512);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetVariable(string name);
}

using System.Text.Json;
using Esper.Native;

namespace Esper.Benchmarks;

/// <summary>The line in front of results that names build and machine.</summary>
internal static class Machine
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Writes the line; nothing without a file.</summary>
    public static void Write(StreamWriter? file, int threads)
    {
        using JsonDocument build = JsonDocument.Parse(NativeInfo.BuildInfo);
        using JsonDocument host = JsonDocument.Parse(NativeInfo.HostInfo);
        file?.WriteLine(JsonSerializer.Serialize(
            new
            {
                Build = build.RootElement,
                Cpu = NativeInfo.Cpu.Model,
                Commit = Environment.GetEnvironmentVariable("ESPER_COMMIT") ?? "",
                Libtorch = host.RootElement.GetProperty("libtorch"),
                Blas = host.RootElement.GetProperty("blas"),
                Threads = threads,
            },
            Json));
    }
}

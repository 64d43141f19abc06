using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

public sealed class MemoryProbeTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("esper-memory-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void This_machine_has_memory()
    {
        (double free, double total) = new MemoryProbe().Measure()!.Value;
        Assert.InRange(free, 1, total);
    }

    [Theory]
    [InlineData(null, null, 6144, 8192)]
    [InlineData("max\n", "1024\n", 6144, 8192)]
    [InlineData("4096\n", "1024\n", 3072, 4096)]
    [InlineData("4096\n", "5000\n", 0, 4096)]
    [InlineData("7168\n", "0\n", 6144, 7168)]
    [InlineData("9000\n", "1024\n", 6144, 8192)]
    public void The_limit_of_the_control_group_counts(string? limit, string? used, double free, double total)
    {
        Write("proc/meminfo", "MemTotal:   8 kB\nMemFree:   1 kB\nMemAvailable:    6 kB\n");
        Write("sys/fs/cgroup/memory.max", limit);
        Write("sys/fs/cgroup/memory.current", used);
        Assert.Equal((free, total), new MemoryProbe(_root).Measure());
    }

    [Fact]
    public void What_is_not_told_is_not_made_up()
    {
        Assert.Null(new MemoryProbe(_root).Measure());
        Write("proc/meminfo", "MemTotal:   8 kB\n");
        Assert.Null(new MemoryProbe(_root).Measure());
    }

    private void Write(string file, string? text)
    {
        if (text is not null)
        {
            string path = Path.Combine(_root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }
}

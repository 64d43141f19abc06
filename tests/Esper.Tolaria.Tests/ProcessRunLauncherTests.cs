using Esper.Tolaria.Experiments;

namespace Esper.Tolaria.Tests;

/// <summary>Child processes, with a shell in the place of the program.</summary>
public sealed class ProcessRunLauncherTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("esper-launcher-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task The_command_line_names_everything()
    {
        string written = Path.Combine(_root, "arguments");
        Assert.Null(await Launcher($"echo \"$@\" > {written}").RunAsync(Launch(resume: false), default));
        Assert.Equal(
            "train --config c.yaml --out d --threads 3 --data e --quiet --json --while-input", File.ReadAllText(written).Trim());
        Assert.Null(await Launcher($"echo \"$@\" > {written}").RunAsync(Launch(resume: true) with { Data = null }, default));
        Assert.Equal("train --resume d --threads 3 --quiet --json --while-input", File.ReadAllText(written).Trim());
    }

    [Fact]
    public async Task A_failure_is_told_in_the_processes_own_words()
    {
        string? failure = await Launcher("echo 'error: no such data' >&2; exit 1").RunAsync(Launch(resume: false), default);
        Assert.Equal("error: no such data", failure);
        Assert.Contains("exit code 9", await Launcher("exit 9").RunAsync(Launch(resume: false), default), StringComparison.Ordinal);
        Assert.Contains("from outside", await Launcher("exit 130").RunAsync(Launch(resume: false), default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_ends_the_input_and_waits_for_an_orderly_end()
    {
        string began = Path.Combine(_root, "began"), ended = Path.Combine(_root, "ended");
        using CancellationTokenSource stop = new();
        Task<string?> run = Launcher($"touch {began}; cat > /dev/null; touch {ended}; exit 130").RunAsync(Launch(resume: false), stop.Token);
        await ForFile(began);
        Assert.False(run.IsCompleted);
        await stop.CancelAsync();
        Assert.Null(await run);
        Assert.True(File.Exists(ended));
    }

    private static RunLaunch Launch(bool resume) => new("id", "c.yaml", "d", resume, 3, "e");

    private static ProcessRunLauncher Launcher(string script) => new("/bin/sh", ["-c", script, "sh"], TimeProvider.System);

    private static async Task ForFile(string path)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (!File.Exists(path))
        {
            await Task.Delay(20, patience.Token);
        }
    }
}

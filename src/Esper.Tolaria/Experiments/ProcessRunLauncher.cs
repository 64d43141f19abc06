using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Esper.Tolaria.Experiments;

/// <summary>
/// Trains each run in a process of its own, <c>esper train</c>. The process reads its standard input and stops, with a checkpoint, when
/// that ends: when it is told to, and also when this process is killed.
/// </summary>
/// <param name="program">The program.</param>
/// <param name="prefix">Arguments ahead of <c>train</c>: the assembly, where the program is the runtime.</param>
/// <param name="clock">Measures how long an interrupted run may take to write its checkpoint.</param>
public sealed class ProcessRunLauncher(string program, IReadOnlyList<string> prefix, TimeProvider clock) : IRunLauncher
{
    private const int ShownLines = 6;
    private const int Interrupted = 130;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public async Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(launch);
        using Process process = new() { StartInfo = StartInfo(launch) };
        ConcurrentQueue<string> errors = new();
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.OutputDataReceived += static (_, _) => { };
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process).ConfigureAwait(false);
            return null;
        }

        return process.ExitCode switch
        {
            0 => null,
            Interrupted when cancellation.IsCancellationRequested => null,
            Interrupted => "was interrupted from outside; start the experiment again to go on with it",
            _ => Failure(process.ExitCode, errors),
        };
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (!string.IsNullOrWhiteSpace(line))
        {
            lines.Enqueue(line);
        }

        while (lines.Count > ShownLines)
        {
            lines.TryDequeue(out _);
        }
    }

    private static string Failure(int exitCode, ConcurrentQueue<string> errors) => errors.IsEmpty
        ? string.Create(CultureInfo.InvariantCulture, $"ended with exit code {exitCode} and without a word")
        : string.Join(' ', errors.Select(line => line.Trim()));

    /// <summary>Lets the process come to an orderly end; ends it where it does not.</summary>
    private async Task EndAsync(Process process)
    {
        using CancellationTokenSource patience = new(Patience, clock);
        try
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private ProcessStartInfo StartInfo(RunLaunch launch)
    {
        ProcessStartInfo info = new(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] what = launch.Resume ? ["--resume", launch.Directory] : ["--config", launch.ConfigPath, "--out", launch.Directory];
        string[] data = launch.Data is { } path ? ["--data", path] : [];
        string[] arguments =
        [
            .. prefix, "train", .. what, "--threads", launch.Threads.ToString(CultureInfo.InvariantCulture), .. data, "--quiet", "--json",
            "--while-input",
        ];
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        return info;
    }
}

using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Esper.Bindings;

/// <summary>Runs clang over a header and returns its syntax tree.</summary>
internal static class Clang
{
    private static readonly string[] Programs = ["clang-14", "clang"];

    /// <summary>Parses <paramref name="header"/> as C11.</summary>
    /// <exception cref="BindingException">clang is not installed, or does not accept the header.</exception>
    public static JsonDocument Parse(string header, string includeDirectory)
    {
        foreach (string program in Programs)
        {
            if (TryRun(program, header, includeDirectory) is { } tree)
            {
                return tree;
            }
        }

        throw new BindingException(
            $"No C parser: neither {string.Join(" nor ", Programs)} is on the path. "
            + "Install it with `apt-get install clang-14`.");
    }

    private static JsonDocument? TryRun(string program, string header, string includeDirectory)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
            ["-x", "c", "-std=c11", "-fsyntax-only", "-I", includeDirectory, "-Xclang", "-ast-dump=json", header];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            return null;
        }

        using (process)
        {
            // Both pipes are drained at once; a full one would block clang.
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string json = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 512 })
                : throw new BindingException($"{program} does not accept {header}:\n{errors.GetAwaiter().GetResult()}");
        }
    }
}

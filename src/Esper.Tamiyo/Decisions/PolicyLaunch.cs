using System.Collections.Immutable;

namespace Esper.Tamiyo.Decisions;

/// <summary>How to start a process that calls <see cref="PolicyWorker.Run"/>.</summary>
/// <param name="FileName">Path of the program.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record PolicyLaunch(string FileName, ImmutableArray<string> Arguments)
{
    /// <summary>The running program again, with other arguments, whether it was started by itself or as <c>dotnet PROGRAM.dll</c>.</summary>
    /// <param name="assembly">Path of the program's assembly.</param>
    /// <param name="arguments">What tells it to be a policy's process.</param>
    public static PolicyLaunch OfProgram(string assembly, params ImmutableArray<string> arguments)
    {
        string running = Environment.ProcessPath ?? throw new InvalidOperationException("This process has no path.");
        return Path.GetFileNameWithoutExtension(running) == Path.GetFileNameWithoutExtension(assembly)
            ? new PolicyLaunch(running, arguments)
            : new PolicyLaunch(running, [assembly, .. arguments]);
    }
}

using System.Collections.Immutable;

namespace Esper.Benchmarks.Snapshots;

/// <summary>What the command line of the benchmark asks for.</summary>
internal sealed record SnapshotOptions
{
    /// <summary>Every option.</summary>
    public const string Usage = """
        Usage: esper-bench snapshot [options]

        Times training steps behind a snapshot and without one, in turn in one process, and restoring.

          --host NAME    a host of 'esper hosts'; may be given more than once (default cnn3 and wrn-16-1)
          --pairs N      pairs of steps a host (default: what 45 seconds hold, at least 40, at most 300)
          --ring N       snapshots that live at once (default 3)
          --threads N    threads, 0 = all cores (default 0)
          --json FILE    write one JSON line a host, behind a line that names build and machine
          --help         show this
        """;

    /// <summary>Specifications of the hosts.</summary>
    public ImmutableArray<string> Hosts { get; private init; } = ["cnn3", "wrn-16-1"];

    /// <summary>Pairs of steps a host; null = by time.</summary>
    public int? Pairs { get; private init; }

    /// <summary>Snapshots that live at once.</summary>
    public int Ring { get; private init; } = 3;

    /// <summary>Threads; 0 = all cores.</summary>
    public int Threads { get; private init; }

    /// <summary>File for the JSON lines; null = none.</summary>
    public string? Json { get; private init; }

    /// <summary>Whether only the usage is wanted.</summary>
    public bool Help { get; private init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="UsageException">It has something that there is not.</exception>
    public static SnapshotOptions Parse(ReadOnlySpan<string> arguments)
    {
        CommandOptions given = new(arguments, Usage, ["--host", "--pairs", "--ring", "--threads", "--json"]);
        SnapshotOptions standard = new();
        return new SnapshotOptions
        {
            Help = given.IsHelp,
            Hosts = given.Has("--host") ? [.. given.All("--host")] : standard.Hosts,
            Pairs = given.Number("--pairs", least: 2),
            Ring = given.Number("--ring", least: 1) ?? standard.Ring,
            Threads = given.Number("--threads", least: 0) ?? standard.Threads,
            Json = given.Text("--json"),
        };
    }
}

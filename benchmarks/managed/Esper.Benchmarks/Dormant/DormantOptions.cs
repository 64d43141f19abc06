using System.Collections.Immutable;

namespace Esper.Benchmarks.Dormant;

/// <summary>What the command line of the benchmark asks for.</summary>
internal sealed record DormantOptions
{
    /// <summary>Every option.</summary>
    public const string Usage = """
        Usage: esper-bench dormant [options]

        Times training steps of the bare host and of the same host with an all-dormant lattice, in turn in one process.

          --host NAME    a host of 'esper hosts', such as cnn3:16-32-64; may be given more than once
                         (default cnn3, wrn-16-1 and char-gpt)
          --sites WHICH  default: where training puts lattices by default; all: at every value that can carry one
                         (default default)
          --control      the bare host twice: what a ratio looks like when there is nothing to find
          --pairs N      pairs of steps a host (default: what a minute holds, at least 40, at most 200)
          --seeds N      seeds a site (default 4)
          --threads N    threads, 0 = all cores (default 0)
          --json FILE    write one JSON line a host, behind a line that names build and machine
          --help         show this
        """;

    /// <summary>Specifications of the hosts.</summary>
    public ImmutableArray<string> Hosts { get; private init; } = ["cnn3", "wrn-16-1", "char-gpt"];

    /// <summary>Whether lattices sit at every value that can carry one, not just at the host's default sites.</summary>
    public bool AllSites { get; private init; }

    /// <summary>Whether the bare host takes the place of the wrapped one too.</summary>
    public bool Control { get; private init; }

    /// <summary>Pairs of steps a host; null = by time.</summary>
    public int? Pairs { get; private init; }

    /// <summary>Seeds a site.</summary>
    public int Seeds { get; private init; } = 4;

    /// <summary>Threads; 0 = all cores.</summary>
    public int Threads { get; private init; }

    /// <summary>File for the JSON lines; null = none.</summary>
    public string? Json { get; private init; }

    /// <summary>Whether only the usage is wanted.</summary>
    public bool Help { get; private init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="UsageException">It has something that there is not.</exception>
    public static DormantOptions Parse(ReadOnlySpan<string> arguments)
    {
        CommandOptions given =
            new(arguments, Usage, ["--host", "--sites", "--pairs", "--seeds", "--threads", "--json"], "--control");
        DormantOptions standard = new();
        return new DormantOptions
        {
            Help = given.IsHelp,
            Hosts = given.Has("--host") ? [.. given.All("--host")] : standard.Hosts,
            AllSites = given.OneOf("--sites", "default", "all") == "all",
            Control = given.Has("--control"),
            Pairs = given.Number("--pairs", least: 2),
            Seeds = given.Number("--seeds", least: 1) ?? standard.Seeds,
            Threads = given.Number("--threads", least: 0) ?? standard.Threads,
            Json = given.Text("--json"),
        };
    }
}

using System.Collections.Immutable;
using System.Globalization;

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
        SnapshotOptions options = new();
        List<string> hosts = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            string name = parts[0];
            if (name is "--help" or "-h")
            {
                return options with { Help = true };
            }

            if (name is not ("--host" or "--pairs" or "--ring" or "--threads" or "--json"))
            {
                throw new UsageException($"There is no option '{arguments[i]}'.", Usage);
            }

            string? value = parts.Length == 2 ? parts[1] : ++i < arguments.Length ? arguments[i] : null;
            if (string.IsNullOrEmpty(value))
            {
                throw new UsageException($"{name} needs a value.", Usage);
            }

            if (name == "--host")
            {
                hosts.Add(value);
                continue;
            }

            options = name switch
            {
                "--json" => options with { Json = value },
                "--pairs" => options with { Pairs = Number(name, value, least: 2) },
                "--ring" => options with { Ring = Number(name, value, least: 1) },
                _ => options with { Threads = Number(name, value, least: 0) },
            };
        }

        return hosts.Count == 0 ? options : options with { Hosts = [.. hosts] };
    }

    private static int Number(string name, string text, int least) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= 1_000_000
            ? number
            : throw new UsageException($"{name} is '{text}', expected a whole number from {least} to 1000000.", Usage);
}

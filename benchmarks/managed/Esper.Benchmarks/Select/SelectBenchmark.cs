using System.Globalization;
using System.Text.Json;
using Esper.Contracts;
using Esper.Tamiyo.Bench;

namespace Esper.Benchmarks.Select;

/// <summary>What a strategy's choice among arms costs, for several numbers of arms.</summary>
internal static class SelectBenchmark
{
    private const string Usage = """
        Usage: esper-bench select [options]

        Times the selections of every strategy, warmed up, samples of the strategies taken in turn.

          --arms N       arms to choose among; may be given more than once (default 100, 1000 and 10000)
          --json FILE    write one JSON line for each number of arms and strategy
          --help         show this
        """;

    /// <summary>The promise for <see cref="BudgetArms"/>, in nanoseconds.</summary>
    private const double Budget = 1e6;
    private const int BudgetArms = 10_000;

    /// <summary>Runs what the command line asks for.</summary>
    /// <exception cref="UsageException">The command line has something that there is not.</exception>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        CommandOptions options = new(arguments, Usage, ["--arms", "--json"]);
        if (options.IsHelp)
        {
            Console.WriteLine(Usage);
            return 0;
        }

        IReadOnlyList<int> arms = options.Has("--arms") ? options.Numbers("--arms", least: 1) : [100, 1000, 10_000];
        using StreamWriter? file = options.Text("--json") is { } path ? new StreamWriter(path) : null;
        Console.WriteLine($"{"arms",6} {"strategy",-16} {"ns",10} {"fastest",10} {"bytes",6}  budget (1 ms at 10000 arms)");
        foreach (int count in arms)
        {
            foreach (SelectionTiming timing in SelectionBenchmark.Run(count, TimeProvider.System, CancellationToken.None))
            {
                string verdict = count > BudgetArms ? "" : timing.Nanoseconds < Budget ? "met" : "MISSED";
                Console.WriteLine(
                    $"{count,6} {timing.Strategy,-16} {Text(timing.Nanoseconds),10} {Text(timing.Fastest),10} {timing.AllocatedBytes,6}  {verdict}");
                file?.WriteLine(JsonSerializer.Serialize(
                    new
                    {
                        Commit = Environment.GetEnvironmentVariable("ESPER_COMMIT") ?? "",
                        Arms = count,
                        SelectionBenchmark.Features,
                        timing.Strategy,
                        timing.Nanoseconds,
                        timing.Fastest,
                        timing.AllocatedBytes,
                    },
                    EsperJson.Compact));
            }
        }

        return 0;
    }

    private static string Text(double value) => value.ToString("F0", CultureInfo.InvariantCulture);
}

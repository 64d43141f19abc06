using Esper.Benchmarks;
using Esper.Benchmarks.Dormant;
using Esper.Benchmarks.Governor;
using Esper.Benchmarks.Select;
using Esper.Benchmarks.Signals;
using Esper.Benchmarks.Snapshots;
using Esper.Contracts;

const string Usage = """
    Usage: esper-bench BENCHMARK [options]

      dormant    what a lattice costs where nothing grows
      governor   what a fault in the middle of a run costs
      select     what a strategy's choice among arms costs
      signals    what the health signals of growing seeds cost a step
      snapshot   what a snapshot of a training session costs

    'esper-bench BENCHMARK --help' lists its options.
    """;

try
{
    switch (args.FirstOrDefault() ?? "--help")
    {
        case "dormant":
            return DormantBenchmark.Run(args.AsSpan(1));
        case "governor":
            return GovernorBenchmark.Run(args.AsSpan(1));
        case "select":
            return SelectBenchmark.Run(args.AsSpan(1));
        case "signals":
            return SignalsBenchmark.Run(args.AsSpan(1));
        case "snapshot":
            return SnapshotBenchmark.Run(args.AsSpan(1));
        case "--help" or "-h":
            Console.WriteLine(Usage);
            return 0;
        case var unknown:
            throw new UsageException($"There is no benchmark '{unknown}'.", Usage);
    }
}
catch (UsageException error)
{
    Console.Error.WriteLine($"Error: {error.Message}{Environment.NewLine}{Environment.NewLine}{error.Usage}");
    return 2;
}
catch (Exception error) when (error is EsperException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"Error: {error.Message}");
    return 1;
}

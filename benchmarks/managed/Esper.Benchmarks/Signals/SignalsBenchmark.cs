using System.Globalization;
using System.Text.Json;
using Esper.Benchmarks.Dormant;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Graph;
using Esper.Native;
using Esper.Tolaria.Configuration;

namespace Esper.Benchmarks.Signals;

/// <summary>
/// What health signals cost: paired training steps of a host all of whose seeds carry a blended module, one step with the signals of all
/// of them gathered and read, one without.
/// </summary>
internal static class SignalsBenchmark
{
    private const string Usage = """
        Usage: esper-bench signals [options]

        Times training steps with and without the health signals of every seed, in turn in one process.

          --host NAME    a host of 'esper hosts'; may be given more than once (default cnn3 and wrn-16-1)
          --seeds N      seeds a site (default 4)
          --pairs N      pairs of steps a host (default 150)
          --threads N    threads, 0 = all cores (default 0)
          --json FILE    write one JSON line a host, behind a line that names build and machine
          --help         show this
        """;

    private const string Module = "bottleneck-16";
    private const int WarmUp = 6;

    /// <summary>Milliseconds a step that signals may take.</summary>
    private const double Budget = 0.1;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>0.</returns>
    /// <exception cref="UsageException">The command line has something that there is not.</exception>
    /// <exception cref="EsperException">A host does not exist or does not run here.</exception>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        CommandOptions options = new(arguments, Usage, ["--host", "--seeds", "--pairs", "--threads", "--json"]);
        if (options.IsHelp)
        {
            Console.WriteLine(Usage);
            return 0;
        }

        IReadOnlyList<string> hosts = options.Has("--host") ? options.All("--host") : ["cnn3", "wrn-16-1"];
        int threads = options.Number("--threads", least: 0) is { } given and > 0 ? given : NativeInfo.Cpu.LogicalCores;
        using StreamWriter? file = options.Text("--json") is { } path ? new StreamWriter(path) : null;
        Machine.Write(file, threads);
        Console.WriteLine($"{NativeInfo.Cpu.Model}, {threads} threads; budget: {Budget} ms a step");
        Console.WriteLine();
        Console.WriteLine(
            $"{"host",-16} {"seeds",5} {"pairs",5} {"step ms",9} {"signals ms",10} {"95 % interval",18} {"ms a step",10}  budget");
        foreach (string spec in hosts)
        {
            HostPreset host = HostPresets.Create(spec, HostUnderTest.InputOf(spec));
            SignalsResult result = Measure(
                host, options.Number("--seeds", least: 1) ?? 4, options.Number("--pairs", least: 2) ?? 150, threads);
            Console.WriteLine(Line(result));
            file?.WriteLine(JsonSerializer.Serialize(result, Json));
            file?.Flush();
        }

        return 0;
    }

    private static SignalsResult Measure(HostPreset host, int seedsPerSite, int pairs, int threads)
    {
        HostInput input = HostUnderTest.InputOf(host.Name);
        WrappedGraph wrapped = LatticeWrapping.Wrap(host.Graph, host.DefaultSites, seedsPerSite);
        using HostUnderTest run = HostUnderTest.Open(wrapped.Graph, input, threads);
        foreach (LatticeSite site in wrapped.Sites)
        {
            for (int seed = 0; seed < site.Seeds; seed++)
            {
                run.Grow(new SeedId(site.Index, seed), Blueprint.Parse(Module), site.Chunk(seed).Count);
            }
        }

        List<double> plain = [];
        List<double> differences = [];
        for (int i = -WarmUp; i < pairs; i++)
        {
            // The order changes from pair to pair: what runs second finds other things in the caches.
            double bare = i % 2 == 0 ? run.Step().Milliseconds : 0;
            double measured = run.StepWithSignals(wrapped.Sites.Length);
            bare = i % 2 == 0 ? bare : run.Step().Milliseconds;
            if (i >= 0)
            {
                plain.Add(bare);
                differences.Add(measured - bare);
            }
        }

        int every = new RunConfig().Telemetry.SeedEverySteps;
        double signals = Samples.Median(differences.ToArray());
        (double low, double high) = Samples.MedianInterval(differences.ToArray());
        return new SignalsResult(
            host.Name,
            wrapped.SeedCount,
            pairs,
            Math.Round(Samples.Median(plain.ToArray()), 4),
            Math.Round(signals, 4),
            Math.Round(low, 4),
            Math.Round(high, 4),
            Math.Round(signals / every, 5),
            every);
    }

    private static string Line(SignalsResult r)
    {
        string certainty = r.High / r.Every <= Budget || r.Low / r.Every > Budget ? "" : ", not certain";
        string verdict = (r.PerStepMs <= Budget ? "met" : "MISSED") + certainty;
        return $"{r.Host,-16} {r.Seeds,5} {r.Pairs,5} {Text(r.StepMs, 2),9} {Text(r.SignalMs, 3),10} "
            + $"{$"{Text(r.Low, 3)} to {Text(r.High, 3)}",18} {Text(r.PerStepMs, 4),10}  {verdict}";
    }

    private static string Text(double value, int digits) => value.ToString("F" + digits, CultureInfo.InvariantCulture);
}

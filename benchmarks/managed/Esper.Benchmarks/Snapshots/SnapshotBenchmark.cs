using System.Globalization;
using System.Text.Json;
using Esper.Benchmarks.Dormant;
using Esper.Graph;
using Esper.Native;

namespace Esper.Benchmarks.Snapshots;

/// <summary>
/// What a snapshot costs: paired training steps of one host, one behind a snapshot and one not, in a ring of live snapshots.
/// </summary>
internal static class SnapshotBenchmark
{
    private const int WarmUp = 4;
    private const int FewestPairs = 40;
    private const int MostPairs = 300;
    private const double Budget = 0.05;
    private static readonly TimeSpan TimePerHost = TimeSpan.FromSeconds(45);
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>0, or 1 if a restored session did not repeat its bits.</returns>
    /// <exception cref="UsageException">The command line has something that there is not.</exception>
    /// <exception cref="Esper.Contracts.EsperException">A host does not exist or does not run here.</exception>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        SnapshotOptions options = SnapshotOptions.Parse(arguments);
        if (options.Help)
        {
            Console.WriteLine(SnapshotOptions.Usage);
            return 0;
        }

        HostPreset[] hosts = [.. options.Hosts.Select(spec => HostPresets.Create(spec, HostUnderTest.InputOf(spec)))];
        int threads = options.Threads == 0 ? NativeInfo.Cpu.LogicalCores : options.Threads;
        using StreamWriter? file = options.Json is { } path ? new StreamWriter(path) : null;
        Machine.Write(file, threads);
        Console.WriteLine($"{NativeInfo.Cpu.Model}, {threads} threads, ring of {options.Ring}; budget: overhead of a step <= {Budget:P0}");
        Console.WriteLine();
        Console.WriteLine(
            $"{"host",-16} {"state MB",8} {"pairs",5} {"step ms",9} {"take us",8} {"restore us",10} {"overhead",9} {"95 % interval",20}  "
            + $"{"every 25",8}  {"bits",-6} budget");
        bool equal = true;
        foreach (HostPreset host in hosts)
        {
            SnapshotResult result = Measure(host, options, threads);
            equal &= result.EqualBits;
            Console.WriteLine(Line(result));
            file?.WriteLine(JsonSerializer.Serialize(result, Json));
            file?.Flush();
        }

        if (!equal)
        {
            Console.Error.WriteLine("Error: steps behind a restored snapshot differ from those that came first.");
        }

        return equal ? 0 : 1;
    }

    private static SnapshotResult Measure(HostPreset host, SnapshotOptions options, int threads)
    {
        HostInput input = HostUnderTest.InputOf(host.Name);
        using HostUnderTest run = HostUnderTest.Open(LatticeWrapping.Wrap(host.Graph, host.DefaultSites, 4).Graph, input, threads);
        Queue<HostSnapshot> ring = new();
        List<double> plain = [];
        List<double> behind = [];
        List<double> taking = [];
        double pairTime = double.PositiveInfinity;
        int pairs = int.MaxValue;
        for (int i = -WarmUp; i < pairs; i++)
        {
            // The order changes from pair to pair: what runs second finds other things in the caches.
            double bare = i % 2 == 0 ? run.Step().Milliseconds : 0;
            (double take, double step) = StepBehindSnapshot(run, ring, options.Ring);
            bare = i % 2 == 0 ? bare : run.Step().Milliseconds;
            if (i < 0)
            {
                pairTime = Math.Min(pairTime, bare + step);
                pairs = options.Pairs ?? (int)Math.Clamp(TimePerHost.TotalMilliseconds / pairTime, FewestPairs, MostPairs);
                continue;
            }

            plain.Add(bare);
            behind.Add(take + step);
            taking.Add(take);
        }

        double[] overheads = [.. behind.Zip(plain, (b, p) => (b / p) - 1)];
        (double low, double high) = Samples.MedianInterval(overheads);
        (double restore, bool equal) = Restore(run);
        double overhead = Samples.Median(overheads);
        SnapshotResult result = new(
            host.Name,
            HostUnderTest.BatchOf(input),
            ring.Peek().Bytes,
            options.Ring,
            pairs,
            Math.Round(Samples.Median(plain.ToArray()), 4),
            Math.Round(1e3 * Samples.Median(taking.ToArray()), 2),
            Math.Round(1e3 * restore, 2),
            Math.Round(overhead, 5),
            Math.Round(low, 5),
            Math.Round(high, 5),
            Math.Round((behind.Min() / plain.Min()) - 1, 5),
            Math.Round(overhead / 25, 6),
            equal);
        foreach (HostSnapshot snapshot in ring)
        {
            snapshot.Dispose();
        }

        return result;
    }

    // The step copies what it writes and the snapshot still needs: its time is the snapshot's cost too.
    private static (double Take, double Step) StepBehindSnapshot(HostUnderTest run, Queue<HostSnapshot> ring, int size)
    {
        (HostSnapshot snapshot, double take) = run.TakeSnapshot();
        ring.Enqueue(snapshot);
        if (ring.Count > size)
        {
            ring.Dequeue().Dispose();
        }

        return (take, run.Step().Milliseconds);
    }

    private static (double Milliseconds, bool Equal) Restore(HostUnderTest run)
    {
        using HostSnapshot start = run.TakeSnapshot().Snapshot;
        double[] first = Losses(run);
        List<double> times = [];
        bool equal = true;
        for (int i = 0; i < 5; i++)
        {
            times.Add(run.Restore(start));
            equal &= first.AsSpan().SequenceEqual(Losses(run));
        }

        return (Samples.Median(times.ToArray()), equal);
    }

    private static double[] Losses(HostUnderTest run) => [.. Enumerable.Range(0, 3).Select(_ => run.Step().Result.Loss)];

    private static string Line(SnapshotResult r)
    {
        string interval = $"{Share(r.Low)} to {Share(r.High)}";
        string certainty = r.High <= Budget || r.Low > Budget ? "" : ", not certain";
        string verdict = (r.Overhead <= Budget ? "met" : "MISSED") + certainty;
        return $"{r.Host,-16} {Text(r.Bytes / 1e6, 2),8} {r.Pairs,5} {Text(r.StepMs, 2),9} {Text(r.TakeUs, 1),8} {Text(r.RestoreUs, 1),10} "
            + $"{Share(r.Overhead),9} {interval,20}  {Share(r.AmortisedEvery25),8}  {(r.EqualBits ? "equal" : "DIFFER"),-6} {verdict}";
    }

    private static string Share(double value) => value.ToString("P2", CultureInfo.InvariantCulture);

    private static string Text(double value, int digits) => value.ToString("F" + digits, CultureInfo.InvariantCulture);
}

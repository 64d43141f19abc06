using System.Globalization;
using System.Text.Json;
using Esper.Graph;
using Esper.Native;

namespace Esper.Benchmarks.Dormant;

/// <summary>What a dormant lattice costs: paired training steps of the bare and of the wrapped host.</summary>
internal static class DormantBenchmark
{
    private const int WarmUp = 4;
    private const int FewestPairs = 40;
    private const int MostPairs = 200;
    private const double Budget = 1.01;

    /// <summary>
    /// How often the two sessions are opened anew, in changing order: where their memory lies makes a difference of a few percent
    /// that lasts as long as they do, and would be taken for the lattice's.
    /// </summary>
    private const int Rounds = 6;

    private static readonly TimeSpan TimePerHost = TimeSpan.FromSeconds(60);
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>0, or 1 if a dormant lattice changed a bit.</returns>
    /// <exception cref="UsageException">The command line has something that there is not.</exception>
    /// <exception cref="Esper.Contracts.EsperException">A host does not exist or does not run here.</exception>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        DormantOptions options = DormantOptions.Parse(arguments);
        if (options.Help)
        {
            Console.WriteLine(DormantOptions.Usage);
            return 0;
        }

        // Built first, so that a wrong name is found before anything has run.
        HostPreset[] hosts = [.. options.Hosts.Select(spec => HostPresets.Create(spec, HostUnderTest.InputOf(spec)))];
        CpuInfo cpu = NativeInfo.Cpu;
        int threads = options.Threads == 0 ? cpu.LogicalCores : options.Threads;
        using StreamWriter? file = options.Json is { } path ? new StreamWriter(path) : null;
        Machine.Write(file, threads);
        string where = options.Control ? "control: the bare host in both places"
            : options.AllSites ? "every possible site" : "default sites";
        Console.WriteLine($"{cpu.Model}, {threads} threads, {where}; budget: ratio <= {Text(Budget, 2)}");
        Console.WriteLine();
        Console.WriteLine(
            $"{"host",-16} {"sites",5} {"seeds",5} {"pairs",5} {"bare ms",9} {"wrapped ms",10} {"ratio",7} "
            + $"{"95 % interval",16}  {"bits",-6} budget");
        bool equal = true;
        foreach (HostPreset host in hosts)
        {
            DormantResult result = Measure(host, options, threads);
            equal &= result.EqualBits;
            Console.WriteLine(Line(result));
            file?.WriteLine(JsonSerializer.Serialize(result, Json));
            file?.Flush();
        }

        if (!equal)
        {
            Console.Error.WriteLine("Error: a dormant lattice changed the loss or the gradients.");
        }

        return equal ? 0 : 1;
    }

    private static DormantResult Measure(HostPreset host, DormantOptions options, int threads)
    {
        HostInput input = HostUnderTest.InputOf(host.Name);
        WrappedGraph wrappedGraph = LatticeWrapping.Wrap(
            host.Graph, options.AllSites ? ["*"] : host.DefaultSites, options.Seeds);
        HostGraph other = options.Control ? host.Graph : wrappedGraph.Graph;
        List<double> bareTimes = [];
        List<double> wrappedTimes = [];
        bool equal = true;
        double pairTime = double.PositiveInfinity;
        int pairs = options.Pairs ?? MostPairs;
        for (int round = 0; round < Rounds; round++)
        {
            bool bareFirst = round % 2 == 0;
            using HostUnderTest first = HostUnderTest.Open(bareFirst ? host.Graph : other, input, threads);
            using HostUnderTest second = HostUnderTest.Open(bareFirst ? other : host.Graph, input, threads);
            (HostUnderTest bare, HostUnderTest wrapped) = bareFirst ? (first, second) : (second, first);
            for (int i = -WarmUp; i < (pairs + Rounds - 1 - round) / Rounds; i++)
            {
                (double bareTime, double wrappedTime, bool same) = Pair(bare, wrapped, bareFirst: i % 2 == 0);
                equal &= same;
                if (i >= 0)
                {
                    bareTimes.Add(bareTime);
                    wrappedTimes.Add(wrappedTime);
                }
                else if (round == 0 && options.Pairs is null)
                {
                    pairTime = Math.Min(pairTime, bareTime + wrappedTime);
                    pairs = (int)Math.Clamp(TimePerHost.TotalMilliseconds / pairTime, FewestPairs, MostPairs);
                }
            }
        }

        double[] ratios = [.. wrappedTimes.Zip(bareTimes, (w, b) => w / b)];
        (double low, double high) = Samples.MedianInterval(ratios);
        return new DormantResult(
            host.Name,
            HostUnderTest.BatchOf(input),
            options.Control ? "none" : options.AllSites ? "all" : "default",
            options.Control ? 0 : wrappedGraph.Sites.Length,
            options.Control ? 0 : wrappedGraph.SeedCount,
            ratios.Length,
            Math.Round(Samples.Median(bareTimes.ToArray()), 4),
            Math.Round(Samples.Median(wrappedTimes.ToArray()), 4),
            Math.Round(Samples.Median(ratios), 5),
            Math.Round(low, 5),
            Math.Round(high, 5),
            equal);
    }

    // The order changes from pair to pair: what runs second finds other things in the caches.
    private static (double Bare, double Wrapped, bool Equal) Pair(
        HostUnderTest bare, HostUnderTest wrapped, bool bareFirst)
    {
        (StepResult Result, double Milliseconds) b = bareFirst ? bare.Step() : default;
        (StepResult Result, double Milliseconds) w = wrapped.Step();
        b = bareFirst ? b : bare.Step();
        bool equal = SameBits(b.Result.Loss, w.Result.Loss)
            && SameBits(b.Result.GradientNorm ?? 0, w.Result.GradientNorm ?? 0);
        return (b.Milliseconds, w.Milliseconds, equal);
    }

    private static bool SameBits(double a, double b) =>
        BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);

    private static string Line(DormantResult r)
    {
        string interval = $"{Text(r.Low, 4)} to {Text(r.High, 4)}";
        string certainty = r.High <= Budget || r.Low > Budget ? "" : ", not certain";
        string verdict = (r.Ratio <= Budget ? "met" : "MISSED") + certainty;
        return $"{r.Host,-16} {r.Sites,5} {r.Seeds,5} {r.Pairs,5} {Text(r.BareMs, 2),9} {Text(r.WrappedMs, 2),10} "
            + $"{Text(r.Ratio, 4),7} {interval,16}  "
            + $"{(r.EqualBits ? "equal" : "DIFFER"),-6} {verdict}";
    }

    private static string Text(double value, int digits) => value.ToString("F" + digits, CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Text.Json;
using Esper.Contracts.Runs;
using Esper.Nissa.Statistics;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Benchmarks.Governor;

/// <summary>
/// What a fault in the middle of a run costs where the governor takes the run back: growing runs that are hurt on purpose, beside the
/// same run unhurt.
/// </summary>
internal static class GovernorBenchmark
{
    private const string Usage = """
        Usage: esper-bench governor [options]

        Trains one growing run a seed on the built-in glyphs, and again with a NaN in a batch, with parameters that explode, and with
        poisoned modules in the middle. Every run must be taken back and go on, and end where the clean one ends.

          --seeds N      seeds (default 4)
          --epochs N     epochs of a run (default 20)
          --host NAME    a host of 'esper hosts' (default cnn3:16-32-64)
          --threads N    threads, 0 = all cores (default 0)
          --json FILE    write one JSON line a run, behind a line that names build and machine
          --help         show this
        """;

    /// <summary>Percentage points that a hurt run may lose.</summary>
    private const double Budget = 1;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>0, or 1 if a fault went unnoticed or its runs lost more than the budget on average.</returns>
    /// <exception cref="UsageException">The command line has something that there is not.</exception>
    /// <exception cref="Esper.Contracts.EsperException">The host does not exist or does not run here.</exception>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        CommandOptions options = new(arguments, Usage, ["--seeds", "--epochs", "--host", "--threads", "--json"]);
        if (options.IsHelp)
        {
            Console.WriteLine(Usage);
            return 0;
        }

        RunConfig config = Config(options);
        using StreamWriter? file = options.Text("--json") is { } path ? new StreamWriter(path) : null;
        Machine.Write(file, config.Threads);
        Console.WriteLine($"{config.Host} on glyphs, {config.Epochs} epochs; budget: a hurt run loses at most {Budget} point on average");
        Console.WriteLine();
        Console.WriteLine($"{"fault",-10} {"seed",4} {"at step",10} {"rollbacks",9} {"culled",6} {"clean",8} {"hurt",8} {"points",7}");
        List<GovernorResult> results = [];
        string root = Directory.CreateTempSubdirectory("esper-governor-").FullName;
        try
        {
            for (int seed = 1; seed <= (options.Number("--seeds", least: 1) ?? 4); seed++)
            {
                foreach (GovernorResult result in Compare(config with { Seed = seed }, root))
                {
                    results.Add(result);
                    Console.WriteLine(Line(result));
                    file?.WriteLine(JsonSerializer.Serialize(result, Json));
                    file?.Flush();
                }
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        Console.WriteLine();
        return results.GroupBy(result => result.Fault).Select(Judge).ToList().TrueForAll(met => met) ? 0 : 1;
    }

    private static RunConfig Config(CommandOptions options)
    {
        int epochs = options.Number("--epochs", least: 8) ?? 20;
        return Standard with
        {
            Host = options.Text("--host") ?? Standard.Host,
            Epochs = epochs,
            Threads = options.Number("--threads", least: 0) ?? 0,

            // So that modules are being blended when the fault comes.
            Policy = Standard.Policy with { StartEpoch = (epochs / 2) - 2 },
        };
    }

    private static RunConfig Standard { get; } = new()
    {
        Host = "cnn3:16-32-64",
        Optimizer = new OptimizerConfig { LearningRate = 0.05 },

        // A quarantine leaves one of the two, so that what was culled can grow again in time.
        Lattice = new LatticeConfig { Blueprints = ["bottleneck-16", "bottleneck-12"], SeedsPerSite = 1 },
        Lifecycle = new() { EmbargoEpochs = 1 },
        Policy = new() { Kind = "schedule", LastFraction = 0.9, MaximumGerminations = 3 },
    };

    private static IEnumerable<GovernorResult> Compare(RunConfig config, string root)
    {
        RollbackCounter watcher = new();
        RunSummary clean = Train(config, root, null, watcher);
        long middle = watcher.Steps / 2;
        (string Name, Fault Fault)[] faults =
        [
            ("nan", Fault.NaNInput(middle)),
            ("explosion", Fault.Explosion(middle, 30)),
            ("poison", Fault.PoisonedModules(middle, float.NaN)),
        ];
        foreach ((string name, Fault fault) in faults)
        {
            RollbackCounter hurtWatcher = new();
            RunSummary hurt = Train(config, root, fault, hurtWatcher);
            yield return new GovernorResult(
                name,
                (int)config.Seed,
                middle,
                watcher.Steps,
                hurt.Rollbacks,
                hurtWatcher.Culled,
                Accuracy(clean),
                Accuracy(hurt),
                Math.Round(100 * (Accuracy(hurt) - Accuracy(clean)), 3));
        }
    }

    private static RunSummary Train(RunConfig config, string root, Fault? fault, RollbackCounter watcher)
    {
        TrainRequest request = new(config, Path.Combine(root, Guid.NewGuid().ToString("N")), null);
        return Trainer.Train(request, watcher, TimeProvider.System, fault, CancellationToken.None);
    }

    private static double Accuracy(RunSummary summary) =>
        summary.AccuracyFinal ?? throw new InvalidOperationException($"run {summary.RunId} ended without a test accuracy");

    private static bool Judge(IGrouping<string, GovernorResult> fault)
    {
        double[] points = [.. fault.Select(result => result.Points)];
        MeanEstimate estimate = MeanEstimate.Of(points)!;
        bool noticed = fault.All(result => result.Rollbacks > 0);
        bool met = noticed && estimate.Mean >= -Budget;
        string interval = estimate is { Low: { } low, High: { } high } ? $", 95 % interval {Signed(low)} to {Signed(high)}" : "";
        string verdict = noticed ? met ? "met" : "MISSED" : "UNNOTICED";
        Console.WriteLine($"{fault.Key,-10} mean {Signed(estimate.Mean)} points{interval}: {verdict}");
        return met;
    }

    private static string Line(GovernorResult r) =>
        $"{r.Fault,-10} {r.Seed,4} {$"{r.At}/{r.Steps}",10} {r.Rollbacks,9} {r.Culled,6} {Share(r.Clean),8} {Share(r.Hurt),8} {Signed(r.Points),7}";

    private static string Share(double value) => value.ToString("P2", CultureInfo.InvariantCulture);

    private static string Signed(double value) => value.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    /// <summary>Counts steps and what the governor culled.</summary>
    private sealed class RollbackCounter : IRunObserver
    {
        public long Steps { get; private set; }

        public int Culled { get; private set; }

        public void OnStep(in StepReport report) => Steps = report.Step;

        public void OnRollback(RollbackReport report) => Culled += report.Culled.Length;

        public void OnStarted(RunInfo info)
        {
        }

        public void OnLifecycle(LifecycleEvent change)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }

        public void OnFinished(RunSummary summary)
        {
        }
    }
}

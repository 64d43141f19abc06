using System.Collections.Immutable;
using Esper.Contracts.Runs;
using Esper.Nissa.Experiments;

namespace Esper.Nissa.Tests;

/// <summary>A made-up experiment on disk: accuracies and costs as a test asks for them, everything else plausible.</summary>
public sealed class SampleExperiment : IDisposable
{
    public const int Epochs = 5;
    private readonly TemporaryDirectory _temporary = new();

    public string Name { get; init; } = "sample";

    public string Hypothesis { get; init; } = "A is better than B.";

    public ImmutableArray<long> Seeds { get; init; } = [1, 2, 3, 4];

    public List<PlannedArm> Arms { get; } = [];

    public List<PlannedClaim> Claims { get; } = [];

    /// <summary>Test accuracy of an arm and seed; null for a run that has not finished.</summary>
    public Func<string, long, double?> Accuracy { get; init; } = (_, _) => 0.5;

    /// <summary>Validation accuracy at the end; null for 0.02 above the test accuracy.</summary>
    public Func<string, double>? Validation { get; init; }

    /// <summary>Training operations of a run.</summary>
    public Func<string, double> Flops { get; init; } = _ => 1e9;

    /// <summary>Trained parameters of a run.</summary>
    public Func<string, long> Parameters { get; init; } = _ => 1000;

    public string Path => _temporary.Path;

    public static PlannedArm Arm(string name, string kind = "static", params string[] members) =>
        new(name, kind, $"what {name} is", "cnn3:4-8", kind == "grown" ? "heuristic" : "none", null, null, [.. members]);

    public static PlannedClaim Claim(
        string a, string[] b, string kind = "superiority", double margin = 0, double? flops = null, string metric = "accuracy_final") =>
        new($"{a}-claim", "some words", kind, a, [.. b], metric, margin, new CostLimit(flops, null), "t",
            ClaimJudge.RuleOf(a, [.. b], metric, margin, new CostLimit(flops, null), "t"));

    public ExperimentRecord Record()
    {
        ExperimentDirectory directory = ExperimentDirectory.Create(Path);
        ImmutableArray<PlannedRun> runs =
        [
            .. from seed in Seeds from arm in Arms where arm.Members.IsEmpty select new PlannedRun($"{arm.Name.Replace('/', '_')}-s{seed}", arm.Name, seed, []),
        ];
        string[] names = [.. Arms.Select(arm => arm.Name)];
        ExperimentPlan plan = new(
            1, Name, Hypothesis, "glyphs", "ab12cd34ef56", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            new PlanMachine("Some processor", 2, "Linux", "esper 0"), Seeds, names[0], [.. Arms], runs, [.. Claims],
            [.. names.Skip(1).Select(name => new PlannedPair(name, names[0]))], new PlanBudget(null, null), false);
        ExperimentDirectory.Write(directory.PlanPath, plan);
        File.WriteAllText(directory.FilePath, $"name: {Name}\n");
        foreach (PlannedRun run in runs)
        {
            if (Accuracy(run.Arm, run.Seed) is { } accuracy && !Directory.Exists(directory.RunPath(run.Id)))
            {
                Play(run, accuracy, directory.RunPath(run.Id));
            }
        }

        return ExperimentRecord.Load(Path);
    }

    public ExperimentResult Result() => ExperimentAnalysis.Of(Record(), "report.html");

    public void Dispose() => _temporary.Dispose();

    private void Play(PlannedRun run, double accuracy, string path)
    {
        RunDirectory directory = RunDirectory.Create(path);
        using RunRecorder recorder = new(directory);
        if (Arms.Single(arm => arm.Name == run.Arm).Kind == "grown")
        {
            new SampleRun { Epochs = 24 }.Play(new Replacing(recorder, summary => summary with
            {
                AccuracyFinal = accuracy,
                TrainFlops = Flops(run.Arm),
                ParametersFinal = Parameters(run.Arm),
                Seed = run.Seed,
            }));
            return;
        }

        double validation = Validation?.Invoke(run.Arm) ?? accuracy + 0.02;
        RunInfo info = new SampleRun { Epochs = Epochs, Sites = 0 }.Info with { Seed = run.Seed };
        recorder.OnStarted(info);
        EpochReport[] epochs =
        [
            .. Enumerable.Range(1, Epochs).Select(epoch => new EpochReport(
                epoch, epoch * 10L, 1.0 / epoch, 0.4, 1.1 / epoch, validation * epoch / Epochs, 0.1, Parameters(run.Arm),
                Flops(run.Arm) * epoch / Epochs, 2, 0, 1.5, [])),
        ];
        foreach (EpochReport epoch in epochs)
        {
            recorder.OnEpoch(epoch);
        }

        recorder.OnFinished(new RunSummary(
            info.RunId, RunOutcome.Completed, info.Host, info.Dataset, info.Policy, run.Seed, 2, Epochs, 1000, Parameters(run.Arm), accuracy, 0.4,
            [.. epochs.Select(e => e.ValidationAccuracy)], [.. epochs.Select(e => e.TrainLoss)], Flops(run.Arm), 2, Epochs * 1.5,
            "9f86d081884c7d65", "runs/x", []));
    }

    private sealed class Replacing(IRunObserver inner, Func<RunSummary, RunSummary> change) : IRunObserver
    {
        public void OnStarted(RunInfo info) => inner.OnStarted(info);

        public void OnStep(in StepReport report) => inner.OnStep(report);

        public void OnLifecycle(LifecycleEvent change1) => inner.OnLifecycle(change1);

        public void OnEpoch(EpochReport report) => inner.OnEpoch(report);

        public void OnFinished(RunSummary summary) => inner.OnFinished(change(summary));
    }
}

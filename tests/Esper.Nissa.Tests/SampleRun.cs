using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

/// <summary>A made-up run that calls an observer as a trainer does. The same settings give the same run.</summary>
public sealed record SampleRun
{
    public int Sites { get; init; } = 3;

    public int SeedsPerSite { get; init; } = 4;

    public int Epochs { get; init; } = 20;

    public int StepsPerEpoch { get; init; } = 10;

    /// <summary>Epochs after which the run is interrupted; null runs to the end.</summary>
    public int? InterruptedAfter { get; init; }

    /// <summary>Whether OnFinished is called.</summary>
    public bool Finishes { get; init; } = true;

    /// <summary>Every so many seeds germinate; 0 for a run without growth.</summary>
    public int GrowEvery { get; init; } = 2;

    /// <summary>Prefix of all names and reasons.</summary>
    public string Prefix { get; init; } = string.Empty;

    private const long HostParameters = 78_042;

    private const string Blueprint = "lowrank-8";

    public RunInfo Info => new(
        $"{Prefix}resnet8-cifar10-0007", $"{Prefix}resnet8", $"{Prefix}cifar10", $"{Prefix}{(GrowEvery == 0 ? "none" : "thompson")}",
        "cpu", 2, 7, Epochs, 1, StepsPerEpoch, 128, 45_000, 5_000, 10_000, HostParameters, 81_300_000,
        [.. Enumerable.Range(0, Sites).Select(i => new SiteInfo(i, $"{Prefix}stage{i + 1}/block0/relu", 16 << i, [.. Chunks(16 << i)]))],
        "runs/0007");

    /// <summary>A decision at the end of the last of some epochs.</summary>
    public DecisionReport Decision(IReadOnlyList<EpochReport> epochs)
    {
        GerminateCommand command = new(
            $"test-{epochs.Count}-1", "test", new SeedId(0, 0), "lowrank-8+gated", $"{Prefix}\"quoted\" <é> {epochs.Count}");
        return new DecisionReport(
            "test",
            new SystemState(
                epochs.Count,
                Epochs,
                7,
                [.. epochs.Select(e => new EpochObservation(e.Epoch, e.TrainLoss, e.TrainAccuracy, e.ValidationLoss, e.ValidationAccuracy))],
                [],
                [],
                new GrowthAllowance(HostParameters, 81_300_000, 1e4 / 3, 1e7)),
            [command, new CullCommand($"test-{epochs.Count}-2", "test", new SeedId(0, 1), "no use")],
            [
                new CommandAnswer(command.Id, SeedStage.Dormant, SeedStage.Germinated, "because", new GateVerdict(
                    Gate.G0, true, false, "passed", [new GateMeasurement("parameters", 76, 1e4 / 3, true)])),
            ]);
    }

    public void Play(IRunObserver observer)
    {
        observer.OnStarted(Info);
        List<EpochReport> epochs = [];
        int last = InterruptedAfter ?? Epochs;
        for (int epoch = 1; epoch <= last; epoch++)
        {
            for (int step = 1; step <= StepsPerEpoch; step++)
            {
                long total = ((epoch - 1) * (long)StepsPerEpoch) + step;
                observer.OnStep(new StepReport(
                    epoch, step, StepsPerEpoch, total, Loss(total) + (0.08 * Wave(total, 1.7)), LearningRate(total), 0.021 + (0.002 * Wave(total, 2.3))));
                foreach (LifecycleEvent change in EventsAt(total))
                {
                    observer.OnLifecycle(change);
                }
            }

            epochs.Add(Epoch(epoch));
            observer.OnDecision(Decision(epochs));
            observer.OnEpoch(epochs[^1]);
        }

        if (Finishes)
        {
            observer.OnFinished(Summary(epochs));
        }
    }

    private IEnumerable<int> Chunks(int channels) =>
        Enumerable.Range(0, SeedsPerSite).Select(i => (channels / SeedsPerSite) + (i < channels % SeedsPerSite ? 1 : 0));

    private EpochReport Epoch(int epoch)
    {
        long step = epoch * (long)StepsPerEpoch;
        ImmutableArray<SeedReport> seeds = [.. AllSeeds().Select((seed, index) => Seed(seed, index, step))];
        double accuracy = Accuracy(step) + (0.004 * seeds.Count(s => s.Stage == SeedStage.Fossilized));
        return new EpochReport(
            epoch, step, Loss(step), accuracy - 0.02, Loss(step) + 0.06 + (0.02 * Wave(epoch, 1.1)), Math.Min(0.99, accuracy + (0.006 * Wave(epoch, 2.9))),
            LearningRate(step), HostParameters + seeds.Sum(s => s.Parameters), 3.2e11 * step * 128 / 1000, 20.8, 3.1, 11.4, seeds);
    }

    private SeedReport Seed(SeedId seed, int index, long step)
    {
        (SeedStage stage, double since) = StageAt(index, step / (double)StepsPerEpoch);
        bool module = stage.HasModule();
        double alpha = stage switch
        {
            SeedStage.Blending => Math.Min(1, since / 2),
            SeedStage.Holding or SeedStage.Fossilized => 1,
            _ => 0,
        };
        bool measured = stage is SeedStage.Holding or SeedStage.Fossilized;
        return new SeedReport(
            seed, stage, alpha, (int)since, module ? Blueprint : null, module ? 2 * 8 * (16 << seed.Site) / SeedsPerSite : 0,
            module ? since < 0.01 ? 0 : 0.4 * (1 - Math.Exp(-since)) : null,
            module ? Math.Pow(10, -1.5 + Math.Min(1.4, since * 0.6) + (0.1 * Wave(index + step, 0.9))) : null,
            module ? -0.3 * Math.Exp(-since / 4) : null,
            measured ? Gain(index) : null, measured ? 0.0018 : null, module ? 0.125 : null);
    }

    private RunSummary Summary(List<EpochReport> epochs)
    {
        ImmutableArray<SeedReport> seeds = epochs.Count == 0 ? [] : epochs[^1].Seeds;
        bool whole = InterruptedAfter is null;
        return new RunSummary(
            Info.RunId, whole ? RunOutcome.Completed : RunOutcome.Interrupted, Info.Host, Info.Dataset, Info.Policy, Info.Seed, Info.Threads,
            epochs.Count, HostParameters, epochs.Count == 0 ? HostParameters : epochs[^1].Parameters,
            whole ? epochs[^1].ValidationAccuracy - 0.004 : null, whole ? 0.31 : null,
            [.. epochs.Select(e => e.ValidationAccuracy)], [.. epochs.Select(e => e.TrainLoss)],
            epochs.Count == 0 ? 0 : epochs[^1].TrainFlops, 20.8, epochs.Sum(e => e.Seconds),
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Info.Directory,
            [.. seeds.Select(s => new SeedSummary(
                Info.Sites[s.Seed.Site].Name, s.Seed.Seed, s.Blueprint, s.Stage.ToString(), s.Alpha, s.Gain, s.GainInterval, s.Parameters))]);
    }

    private IEnumerable<SeedId> AllSeeds() =>
        Enumerable.Range(0, Sites).SelectMany(site => Enumerable.Range(0, SeedsPerSite).Select(seed => new SeedId(site, seed)));

    private IEnumerable<LifecycleEvent> EventsAt(long step)
    {
        int index = 0;
        foreach (SeedId seed in AllSeeds())
        {
            foreach (LifecycleEvent change in EventsOf(seed, index++).Where(e => e.Step == step))
            {
                yield return change;
            }
        }
    }

    private IEnumerable<LifecycleEvent> EventsOf(SeedId seed, int index)
    {
        SeedStage from = SeedStage.Dormant;
        foreach ((double at, SeedStage to) in Life(index))
        {
            long step = (long)Math.Round(at * StepsPerEpoch);
            if (to == SeedStage.Blending)
            {
                yield return Event(seed, step - 1, from, from, Gate.G2, passed: false, "The learning signal is not present yet.");
            }

            yield return Event(seed, step, from, to, to switch
            {
                SeedStage.Germinated => Gate.G0,
                SeedStage.Training => Gate.G1,
                SeedStage.Blending => Gate.G2,
                SeedStage.Holding => Gate.G3,
                SeedStage.Fossilized or SeedStage.Culled => Gate.G5,
                _ => null,
            }, to != SeedStage.Culled, to == SeedStage.Culled ? "The gain's interval holds 0." : $"The seed may enter {to}.");
            from = to;
        }
    }

    private LifecycleEvent Event(SeedId seed, long step, SeedStage from, SeedStage to, Gate? gate, bool passed, string reason) => new(
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddSeconds(step), (int)(step / StepsPerEpoch), step, seed, from, to,
        Prefix + Blueprint, gate is null ? null : $"c-{step}", $"{Prefix}{(gate is Gate.G0 ? "thompson" : "lifecycle")}", Prefix + reason,
        gate is { } g
            ? new GateVerdict(g, passed, to == SeedStage.Culled, Prefix + reason,
                [new GateMeasurement(Prefix + "gradient ratio", 0.0123, 0.01, true), new GateMeasurement("loss slope, nats/epoch", -0.002, -0.001, passed)])
            : null);

    private (SeedStage Stage, double Since) StageAt(int index, double epoch)
    {
        (SeedStage stage, double start) = (SeedStage.Dormant, 0);
        foreach ((double at, SeedStage to) in Life(index).Where(l => l.At <= epoch + 1e-9))
        {
            (stage, start) = (to, at);
        }

        return (stage, epoch - start);
    }

    /// <summary>Moments, in epochs, at which a seed enters its stages.</summary>
    private IEnumerable<(double At, SeedStage To)> Life(int index)
    {
        if (GrowEvery == 0 || index % GrowEvery != 0)
        {
            return [];
        }

        int order = index / GrowEvery;
        double birth = 1 + (order * 1.7 % Math.Max(1, Epochs - 8));
        birth = Math.Round(birth * StepsPerEpoch) / StepsPerEpoch;
        (double, SeedStage)[] start =
        [
            (birth, SeedStage.Germinated), (birth + 0.5, SeedStage.Training), (birth + 2, SeedStage.Blending), (birth + 4, SeedStage.Holding),
        ];
        return Gain(index) > 0.0018
            ? [.. start, (birth + 6, SeedStage.Fossilized)]
            : [.. start, (birth + 6, SeedStage.Culled), (birth + 6.1, SeedStage.Embargoed), (birth + 9.6, SeedStage.Resetting), (birth + 10, SeedStage.Dormant)];
    }

    private double Gain(int index) => 0.004 - (0.003 * (index / Math.Max(1, GrowEvery) % 3));

    private double Loss(long step) => 0.35 + (1.95 * Math.Exp(-3.0 * step / (Epochs * StepsPerEpoch)));

    private double Accuracy(long step) => 0.88 - (0.75 * Math.Exp(-4.0 * step / (Epochs * StepsPerEpoch)));

    private double LearningRate(long step)
    {
        double done = step / (double)(Epochs * StepsPerEpoch);
        return 0.1 * Math.Min(1, Math.Min(done / 0.05, (1 - done) / 0.2));
    }

    /// <summary>A smooth stand-in for noise, in [-1, 1].</summary>
    private static double Wave(double x, double frequency) => Math.Sin(x * frequency) * Math.Cos(x * frequency * 0.37);
}

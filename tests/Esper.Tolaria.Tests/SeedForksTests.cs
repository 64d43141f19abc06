using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Data;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Optimization;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

/// <summary>Forks of a session with a holding seed.</summary>
public sealed class SeedForksTests : IDisposable
{
    private static readonly SeedId Grown = new(0, 0);
    private static readonly SeedId Free = new(1, 1);
    private static readonly LoaderPosition Here = new(0, 8);
    private static readonly RunConfig Config = new()
    {
        Host = "cnn3:4-8",
        Epochs = 4,
        Batch = 16,
        TrainLimit = 160,
        ValidationFraction = 0.02,
        Threads = 2,
        Seed = 3,
        Lattice = new LatticeConfig { SeedsPerSite = 2, Blueprints = ["bottleneck-4", "affine"] },
        Lifecycle = new() { ForkSteps = 5 },
    };

    private readonly Workbench _bench = Workbench.Open(Config, default);
    private readonly SeedLifecycle _lifecycle;
    private readonly LearningRateSchedule _schedule;
    private int _steps;

    public SeedForksTests()
    {
        _lifecycle = _bench.CreateLifecycle(TimeProvider.System, static _ => { });
        _schedule = new LearningRateSchedule(_bench.Config.Schedule, 0.05, 40);
        (LatticeSeed description, float[] parameters) = _lifecycle.Trial(Grown, "bottleneck-4");
        _bench.Session.Germinate(Grown, description, parameters);
        Train(8);
    }

    public void Dispose()
    {
        _lifecycle.Dispose();
        _bench.Dispose();
    }

    [Fact]
    public void A_fork_leaves_every_bit_as_it_was()
    {
        Dictionary<string, byte[]> before = State();
        LoaderPosition? position = _bench.Data.Train.Position;
        Forks().WorthOf([Grown], Here, 8, default);
        Assert.Equal(before, State());
        Assert.Equal(position, _bench.Data.Train.Position);
        double[] forked = Train(3);

        using SeedForksTests undisturbed = new();
        Assert.Equal(undisturbed.Train(3), forked);
        Assert.Equal(undisturbed.State(), State());
    }

    [Fact]
    public void Branches_without_a_change_agree_in_every_bit()
    {
        ForkCourse course = Course(5);
        ImmutableArray<Evaluation?> results = Fork.Run(_bench.Session, course, [static _ => { }, static _ => { }], default);
        Assert.Equal(results[0]!.ExampleLoss, results[1]!.ExampleLoss);
        GainEstimate nothing = ForkEstimate.Of([(results[0]!, results[1]!)]);
        Assert.Equal((0.0, 0.0), (nothing.LossMean, nothing.LossHalfWidth));
    }

    [Fact]
    public void The_branch_with_is_the_run_itself()
    {
        Evaluation branch = Fork.Run(_bench.Session, Course(5), [static _ => { }], default)[0]!;
        Train(5);
        Evaluation run = Evaluation.Of(_bench.Session, BatchTensors.Stream(_bench.Data.Validation, 0, default), default);
        Assert.Equal(run.ExampleLoss, branch.ExampleLoss);
    }

    [Fact]
    public void Without_is_removed_and_that_is_alpha_zero()
    {
        LatticeSeed description = _bench.Session.ReadSeed(Grown).Description;
        ImmutableArray<Evaluation?> results = Fork.Run(
            _bench.Session,
            Course(5),
            [session => session.Release(Grown), session => session.Update(Grown, description with { Alpha = 0, Frozen = true })],
            default);
        Assert.Equal(results[0]!.ExampleLoss, results[1]!.ExampleLoss);
    }

    [Fact]
    public void The_same_fork_gives_the_same_gain_and_its_operations_are_counted()
    {
        SeedForks forks = Forks();
        GainEstimate first = forks.WorthOf([Grown], Here, 8, default)[0]!;
        Assert.Equal(first, forks.WorthOf([Grown], Here, 8, default)[0]);
        Assert.True(first.LossHalfWidth > 0);

        // Two branches of five steps of 16 examples and an evaluation; the records know of no module, so that host costs are all there is.
        double examples = (5 * 16 * 3.0) + _bench.Data.Validation.ExamplesPerEpoch;
        Assert.Equal(2 * examples * _bench.HostCost.ForwardFlops, forks.Flops);
    }

    [Fact]
    public void A_graft_is_tried_before_it_is_made()
    {
        Dictionary<string, byte[]> before = State();
        ImmutableArray<GainEstimate?> promise = Forks().PromiseOf([(Free, "bottleneck-4"), (Free, "affine")], Here, 8, default);
        Assert.Equal(2, promise.Length);
        Assert.All(promise, gain => Assert.NotNull(gain));
        Assert.NotEqual(promise[0], promise[1]);
        Assert.Equal(before, State());
        Assert.False(_bench.Session.ReadSeed(Free).HasModule);
    }

    [Fact]
    public void Several_data_orders_widen_what_one_leaves_out()
    {
        using Workbench bench = Workbench.Open(Config with { Lifecycle = new() { ForkSteps = 5, ForkOrders = 2 } }, default);
        using SeedLifecycle lifecycle = bench.CreateLifecycle(TimeProvider.System, static _ => { });
        (LatticeSeed description, float[] parameters) = lifecycle.Trial(Grown, "bottleneck-4");
        bench.Session.Germinate(Grown, description, parameters);
        SeedForks forks = new(bench, lifecycle, _schedule);
        Assert.True(forks.WorthOf([Grown], Here, 8, default)[0]!.LossHalfWidth > 0);
        double examples = (5 * 16 * 3.0) + bench.Data.Validation.ExamplesPerEpoch;
        Assert.Equal(2 * 2 * examples * bench.HostCost.ForwardFlops, forks.Flops);
    }

    [Fact]
    public void A_branch_that_diverges_has_no_gain()
    {
        SeedForks forks = new(_bench, _lifecycle, new LearningRateSchedule(_bench.Config.Schedule, 1e30, 40));
        Dictionary<string, byte[]> before = State();
        Assert.Null(Assert.Single(forks.WorthOf([Grown], Here, 8, default)));
        Assert.Equal(before, State());
    }

    [Fact]
    public void One_pass_measures_several_seeds_as_single_passes_do()
    {
        (LatticeSeed description, float[] parameters) = _lifecycle.Trial(Free, "affine");
        _bench.Session.Germinate(Free, description, parameters);
        Train(4);
        (SeedId, LatticeSeed)[] seeds = [(Grown, _bench.Session.ReadSeed(Grown).Description), (Free, _bench.Session.ReadSeed(Free).Description)];
        Dictionary<string, byte[]> before = State();
        ImmutableArray<GainEstimate> together = Gains(seeds);
        Assert.Equal(Gains([seeds[0]])[0], together[0]);
        Assert.Equal(Gains([seeds[1]])[0], together[1]);
        Assert.NotEqual(together[0], together[1]);
        Assert.Equal(before, State());
        Assert.Equal(1, _bench.Session.ReadSeed(Grown).Description.Alpha);
    }

    private ImmutableArray<GainEstimate> Gains(IReadOnlyList<(SeedId Seed, LatticeSeed Description)> seeds) =>
        GainMeter.Measure(_bench.Session, seeds, BatchTensors.Stream(_bench.Data.Validation, 0, default), default);

    private SeedForks Forks() => new(_bench, _lifecycle, _schedule);

    private ForkCourse Course(int steps) => new()
    {
        Steps = steps,
        LearningRate = i => _schedule.At(8 + i),
        Training = () => BatchTensors.Onwards(_bench.Data.Train, Here, default),
        Validation = () => BatchTensors.Stream(_bench.Data.Validation, 0, default),
    };

    private double[] Train(int count)
    {
        LoaderPosition from = new(_steps / _bench.StepsPerEpoch, _steps % _bench.StepsPerEpoch);
        double[] losses =
        [
            .. BatchTensors.Onwards(_bench.Data.Train, from, default)
                .Take(count)
                .Select((inputs, i) => _bench.Session.TrainStep(inputs, (float)_schedule.At(_steps + i)).Loss),
        ];
        _steps += count;
        return losses;
    }

    private Dictionary<string, byte[]> State() =>
        SessionTensors.Read(_bench.Session).ToDictionary(tensor => tensor.Name, tensor => tensor.Data);
}

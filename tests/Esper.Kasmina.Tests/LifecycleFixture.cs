using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Graph;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Tests;

/// <summary>A lifecycle over two sites with two seeds each, on a fake executor, with everything it reported.</summary>
internal sealed class LifecycleFixture : IDisposable
{
    public static readonly SeedId First = new(0, 0);

    public LifecycleFixture(
        LifecycleOptions? options = null, GrowthBudget? budget = null, string[]? blueprints = null, ILifecycleVeto? veto = null)
    {
        Options = options ?? new LifecycleOptions();
        ImmutableArray<LatticePlace> places =
        [
            new(new SeedId(0, 0), "a", 8, 16, SiteLayout.Nchw), new(new SeedId(0, 1), "a", 8, 16, SiteLayout.Nchw),
            new(new SeedId(1, 0), "b", 4, 4, SiteLayout.Tokens), new(new SeedId(1, 1), "b", 4, 4, SiteLayout.Tokens),
        ];
        LifecycleSettings settings = new(
            Options, [.. blueprints ?? ["bottleneck-4", "affine"]], 7, StepsPerEpoch: 10, BatchSize: 32, HostParameters: 1000,
            budget ?? new GrowthBudget(1e6, 1e9));
        Lifecycle = new SeedLifecycle(places, Executor, settings, TimeProvider.System, Events.Add, veto);
    }

    public LifecycleOptions Options { get; }

    public FakeExecutor Executor { get; } = new();

    public List<LifecycleEvent> Events { get; } = [];

    public SeedLifecycle Lifecycle { get; }

    public CommandDoor Door { get; } = new();

    public void Dispose()
    {
        Lifecycle.Dispose();
        Door.Dispose();
    }

    /// <summary>Carries out a command as an issuer may who signs what he asks for.</summary>
    public bool Execute(LifecycleCommand command) => Lifecycle.Execute(Door.Admit(command));

    public bool Germinate(SeedId seed, string blueprint = "bottleneck-4") =>
        Execute(new GerminateCommand($"g-{seed}", "test", seed, blueprint, "because"));

    public void ToTraining(params SeedId[] seeds)
    {
        foreach (SeedId seed in seeds)
        {
            Assert.True(Germinate(seed));
            Lifecycle.AddIsolation(seed, 1);
        }

        Lifecycle.BeginTraining();
        ExpectStage(SeedStage.Training, seeds);
    }

    public void ToBlending(params SeedId[] seeds)
    {
        ToTraining(seeds);
        foreach (SeedId seed in seeds)
        {
            Observe(seed, alignment: -0.2);
        }

        EndEpoch();
        ExpectStage(SeedStage.Blending, seeds);
    }

    public void ToHolding(params SeedId[] seeds)
    {
        ToBlending(seeds);
        for (int step = 0; step < 10; step++)
        {
            Lifecycle.BeginStep();
        }

        EndEpoch();
        ExpectStage(SeedStage.Holding, seeds);
    }

    private void ExpectStage(SeedStage stage, SeedId[] seeds) =>
        Assert.All(seeds, seed => Assert.Equal(stage, Lifecycle.StageOf(seed)));

    public void Observe(SeedId seed, double alignment, double gradient = 1, double? dead = null)
    {
        SeedTelemetry[] telemetry = new SeedTelemetry[seed.Seed + 1];
        telemetry[seed.Seed] = new SeedTelemetry(true, 2, 1, 1, alignment, gradient, 1, 1, 1, DeadFraction: dead);
        Lifecycle.Observe(seed.Site, telemetry);
    }

    /// <summary>Agreement that a probe finds at every seed.</summary>
    public double Agreement { get; set; } = 0.9;

    public void EndEpoch(double loss = 1, double? reference = 1, bool last = false)
    {
        Dictionary<SeedId, GrowthSignal> growth =
            Lifecycle.Reports().ToDictionary(seed => seed.Seed, _ => new GrowthSignal(1, Agreement));
        Lifecycle.EndEpoch(loss, reference, growth, last);
        Lifecycle.ClearTelemetry();
    }
}

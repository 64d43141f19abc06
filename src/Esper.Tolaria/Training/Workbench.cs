using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Data;
using Esper.Graph;
using Esper.Graph.Onnx;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Training;

/// <summary>Everything that a configuration brings to life: data, host graph with its lattice, native session.</summary>
internal sealed class Workbench : IDisposable
{
    private Workbench(
        RunConfig config, Dataset dataset, DataLoaders data, HostPreset preset, WrappedGraph wrapped, HostSession session, int threads)
    {
        Classes = dataset.ClassCount;
        Config = config;
        Data = data;
        Preset = preset;
        Wrapped = wrapped;
        Session = session;
        Threads = threads;
        HostCost = GraphCost.Of(preset.Graph);
    }

    public RunConfig Config { get; }

    public DataLoaders Data { get; }

    /// <summary>Classes that a label can have.</summary>
    public int Classes { get; }

    public HostPreset Preset { get; }

    public WrappedGraph Wrapped { get; }

    public HostSession Session { get; }

    public int Threads { get; }

    /// <summary>Cost of the bare host.</summary>
    public GraphCost HostCost { get; }

    /// <summary>Operations that choosing the sites by measurement took; 0 where they were named.</summary>
    public double MeasuringFlops { get; private init; }

    public int StepsPerEpoch => Data.Train.BatchesPerEpoch;

    /// <summary>Steps of the whole run; its last epoch may be cut short.</summary>
    public long TotalSteps => Config.Steps ?? Length.MostSteps(StepsPerEpoch, (long)Config.Epochs * StepsPerEpoch);

    /// <summary>When the run is over.</summary>
    public RunLength Length => new(Config.TrainFlops, 3.0 * Config.Batch * HostCost.ForwardFlops);

    /// <summary>Modules that the model has from its first step.</summary>
    public ImmutableArray<InitialModule> InitialModules =>
        Config.Lattice.Initial.IsDefault ? [] : [.. Config.Lattice.Initial.Select(InitialModule.Parse)];

    /// <summary>Loads data, builds and wraps the host, and opens a session with fresh parameters.</summary>
    /// <exception cref="EsperException">The configuration, the data or the machine does not allow it.</exception>
    public static Workbench Open(RunConfig configuration, CancellationToken cancellation)
    {
        ConfigValidator.Require(configuration);
        RunConfig config = HostDefaults.Resolve(configuration);
        Dataset dataset = Datasets.Load(config.Dataset, config.Data, Glyphs.DefaultSeed, cancellation);
        DataLoaders? data = null;
        HostSession? session = null;
        try
        {
            HostPreset preset = HostOf(config, dataset);
            data = DataLoaders.Create(dataset, LoaderOptionsOf(config));
            int threads = config.Threads > 0 ? config.Threads : NativeInfo.Cpu.LogicalCores;
            (config, double measuringFlops) = SiteMeasurement.Resolve(config, preset, data, threads, cancellation);
            WrappedGraph wrapped = Wrap(preset, config);
            config = WithEpochs(config, preset, data.Train.BatchesPerEpoch);
            RequireSteps(config, data.Train.BatchesPerEpoch);
            session = OpenSession(wrapped.Graph, config, threads);
            ConfigureOptimizer(session, wrapped.Graph, config.Optimizer);
            return new Workbench(config, dataset, data, preset, wrapped, session, threads) { MeasuringFlops = measuringFlops };
        }
        catch
        {
            session?.Dispose();
            data?.Dispose();
            throw;
        }
    }

    /// <summary>The most epochs that a budget of operations can have: those of the bare host.</summary>
    private static RunConfig WithEpochs(RunConfig config, HostPreset preset, int stepsPerEpoch)
    {
        RunLength length = new(config.TrainFlops, 3.0 * config.Batch * GraphCost.Of(preset.Graph).ForwardFlops);
        long steps = length.MostSteps(stepsPerEpoch, 0);
        return config.TrainFlops is null
            ? config
            : config with { Epochs = checked((int)((steps + stepsPerEpoch - 1) / stepsPerEpoch)) };
    }

    /// <summary>A lifecycle over the host's lattice, all seeds dormant.</summary>
    public SeedLifecycle CreateLifecycle(TimeProvider clock, Action<LifecycleEvent> report, ILifecycleVeto? veto = null)
    {
        LatticeConfig lattice = Config.Lattice;
        LifecycleSettings settings = new(
            Config.Lifecycle,
            lattice.Blueprints,
            Config.Seed,
            StepsPerEpoch,
            Config.Batch,
            HostCost.Parameters,
            new GrowthBudget(lattice.ParameterBudget * HostCost.Parameters, lattice.FlopBudget * HostCost.ForwardFlops));
        return new SeedLifecycle(Places(Wrapped.Sites), new SessionExecutor(Session), settings, clock, report, veto);
    }

    public void Dispose()
    {
        Session.Dispose();
        Data.Dispose();
    }

    internal static HostSession OpenSession(HostGraph graph, RunConfig config, int threads)
    {
        HostSessionOptions options = new()
        {
            Device = config.Device == "cuda" ? HostDevice.Cuda : HostDevice.Cpu,
            Threads = threads,
            Seed = KeyedRandom.Bits(KeyedRandom.Key("dropout"), (ulong)config.Seed),
        };
        try
        {
            return HostSession.Create(HostTranslation.Describe(graph, config.Seed), options);
        }
        catch (NativeException error) when (error.Status == NativeStatus.Unsupported && options.Device == HostDevice.Cuda)
        {
            throw new EsperException(
                $"device: 'cuda' cannot be used here ({error.NativeText}). Use --device cpu; it is never taken in its place silently.",
                error);
        }
    }

    private static ImmutableArray<LatticePlace> Places(ImmutableArray<LatticeSite> sites) =>
    [
        .. sites.SelectMany(site => Enumerable.Range(0, site.Seeds).Select(seed => new LatticePlace(
            new SeedId(site.Index, seed),
            site.ValueName,
            site.Chunk(seed).Count,
            site.Positions,
            site.Layout))),
    ];

    // The number of epochs stays the one that everything is planned and shown by; steps only cut the last one short.
    private static void RequireSteps(RunConfig config, int stepsPerEpoch)
    {
        if (config.Steps is { } steps && (steps + stepsPerEpoch - 1) / stepsPerEpoch != config.Epochs)
        {
            throw new EsperException(
                $"steps: {steps} steps at {stepsPerEpoch} an epoch do not end within epoch {config.Epochs}. "
                + $"Set epochs to {(steps + stepsPerEpoch - 1) / stepsPerEpoch}.");
        }
    }

    /// <summary>The host that a configuration names: a preset, or a model in a file.</summary>
    /// <exception cref="EsperException">There is no such host, or it does not go with the data.</exception>
    internal static HostPreset HostOf(RunConfig config, Dataset dataset) => OnnxHost.Names(config.Host)
        ? OnnxHost.Create(config.Host, InputOf(dataset, config), config.LabelSmoothing)
        : HostPresets.Create(config.Host, InputOf(dataset, config), config.LabelSmoothing);

    internal static HostInput InputOf(Dataset dataset, RunConfig config) => dataset switch
    {
        ImageDataset images => new ImageInput(images.Channels, images.Height, images.Width, images.ClassCount),
        TextDataset text => new TextInput(text.ClassCount, config.Context),
        _ => throw new EsperException($"Data set '{dataset.Name}' is of a kind that no host takes."),
    };

    internal static WrappedGraph Wrap(HostPreset preset, RunConfig config)
    {
        WrappedGraph wrapped = LatticeWrapping.Wrap(preset.Graph, SelectorsOf(preset, config), config.Lattice.SeedsPerSite);
        foreach (string name in config.Lattice.Blueprints)
        {
            RequireFit(Blueprint.Parse(name), wrapped.Sites);
        }

        return wrapped;
    }

    internal static ImmutableArray<string> SelectorsOf(HostPreset preset, RunConfig config) =>
        config.Lattice.Sites.IsDefaultOrEmpty ? preset.DefaultSites : config.Lattice.Sites;

    // A blueprint that suits some of the sites is offered there; one that suits none is a mistake in the configuration.
    private static void RequireFit(Blueprint blueprint, ImmutableArray<LatticeSite> sites)
    {
        string?[] objections = [.. sites.Select(site => SiteFit.Objection(blueprint, site.Layout))];
        if (objections.Length > 0 && objections.All(objection => objection is not null))
        {
            string names = string.Join(", ", sites.Select(site => site.ValueName));
            throw new EsperException($"lattice.blueprints: {objections[0]}. No site of this lattice is an image site: {names}.");
        }
    }

    internal static LoaderOptions LoaderOptionsOf(RunConfig config) => new()
    {
        BatchSize = config.Batch,
        Context = config.Context,
        ValidationFraction = config.ValidationFraction,
        TrainLimit = config.TrainLimit,
        EpochsPerPass = config.EpochsPerPass,
        Augment = config.Augment,
        Seed = config.Seed,
    };

    private static void ConfigureOptimizer(HostSession session, HostGraph graph, OptimizerConfig optimizer)
    {
        OptimizerGroup decayed = new()
        {
            WeightDecay = (float)optimizer.WeightDecay!.Value,
            Momentum = (float)optimizer.Momentum,
            Nesterov = optimizer.Nesterov && optimizer.Momentum > 0,
            Beta1 = (float)optimizer.Beta1,
            Beta2 = (float)optimizer.Beta2!.Value,
            Epsilon = (float)optimizer.Epsilon,
        };
        bool all = optimizer.DecayNorms!.Value;
        int[] groups =
        [
            .. graph.Parameters
                .Where(parameter => parameter.Trained)
                .Select(parameter => all || parameter.Role is ParameterRole.Weight or ParameterRole.Embedding ? 0 : 1),
        ];
        OptimizerKind kind = optimizer.Kind == "adamw" ? OptimizerKind.AdamW : OptimizerKind.Sgd;
        session.ConfigureOptimizer(kind, [decayed, decayed with { WeightDecay = 0 }], groups, arenaGroup: 0);
    }
}

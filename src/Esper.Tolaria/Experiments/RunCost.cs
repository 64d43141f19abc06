using Esper.Contracts;
using Esper.Data;
using Esper.Graph;
using Esper.Kasmina.Lifecycle;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Experiments;

/// <summary>What a run costs before anything grows in it.</summary>
/// <param name="Parameters">Trained parameters, modules from the start included.</param>
/// <param name="StepFlops">Training operations of a step, forward and backward, as a run counts them.</param>
/// <param name="StepsPerEpoch">Steps of a whole epoch.</param>
internal sealed record RunCost(long Parameters, double StepFlops, int StepsPerEpoch)
{
    /// <summary>Trained parameters of the bare host.</summary>
    public static long HostParameters(RunConfig config, Dataset dataset) =>
        GraphCost.Of(Workbench.HostOf(config, dataset).Graph).Parameters;

    /// <summary>Computes the cost of a configuration.</summary>
    /// <exception cref="EsperException">Host, data and lattice do not go together.</exception>
    public static RunCost Of(RunConfig config, Dataset dataset)
    {
        HostPreset preset = Workbench.HostOf(config, dataset);
        WrappedGraph wrapped = Workbench.Wrap(preset, SiteMeasurement.WithAll(config, preset));
        GraphCost host = GraphCost.Of(preset.Graph);
        (long parameters, double flops) = (host.Parameters, host.ForwardFlops);
        foreach (InitialModule module in config.Lattice.Initial.Select(InitialModule.Parse))
        {
            LatticeSite site = wrapped.Sites.FirstOrDefault(site => site.ValueName == module.Site && module.Seed < site.Seeds)
                ?? throw new EsperException($"lattice.initial: host '{config.Host}' has no seed '{module}'.");
            int channels = site.Chunk(module.Seed).Count;
            parameters += module.Blueprint.ParameterCount(channels);
            flops += module.Blueprint.ForwardFlops(channels, site.Positions);
        }

        using DataLoaders loaders = DataLoaders.Create(dataset, Workbench.LoaderOptionsOf(config));
        return new RunCost(parameters, 3.0 * config.Batch * flops, loaders.Train.BatchesPerEpoch);
    }
}

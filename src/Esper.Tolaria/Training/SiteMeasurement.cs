using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Data;
using Esper.Graph;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Training;

/// <summary>Chooses sites by measurement, before a run begins: <c>auto-variance:K</c>.</summary>
internal static class SiteMeasurement
{
    /// <summary>
    /// A probe holds a matrix of channels times channels for each seed; a chunk wider than this is not worth its memory (128 MiB in double).
    /// </summary>
    private const int WidestChunk = 4096;

    /// <summary>The batches are read in an order of their own, away from those of training and of the probes between epochs.</summary>
    private const int ProbeEpoch = (1 << 20) - 1;

    /// <summary>
    /// Replaces <c>auto-variance:K</c> in <c>lattice.sites</c> by the names of the chosen values, so that a run that is resumed, evaluated
    /// or replayed has the same sites and measures nothing again. Sites of modules that are there from the first step are kept.
    /// </summary>
    /// <returns>The configuration, as given where nothing is to be measured, and the operations that measuring took.</returns>
    /// <exception cref="EsperException">The graph has too few sites to choose from, or the data too few batches.</exception>
    public static (RunConfig Config, double Flops) Resolve(
        RunConfig config, HostPreset preset, DataLoaders data, int threads, CancellationToken cancellation)
    {
        ImmutableArray<string> selectors = Workbench.SelectorsOf(preset, config);
        if (!SiteSurvey.IsMeasured(selectors))
        {
            return (config, 0);
        }

        SiteSurvey survey = SiteSurvey.Of(preset.Graph);
        WrappedGraph wrapped = WrapAll(survey.ToMeasure(selectors), config, preset);
        using HostSession session = Workbench.OpenSession(wrapped.Graph, config, threads);
        if (config.StartFrom is { } source)
        {
            StartingPoint.LoadHost(source, session);
        }

        int batches = 2 * config.Policy.ProbeBatches;
        if (data.Train.BatchesPerEpoch < batches)
        {
            throw new EsperException(
                $"lattice.sites: to measure takes {batches} batches (2 x policy.probe_batches), and an epoch has {data.Train.BatchesPerEpoch}. "
                + "Lower policy.probe_batches or batch.");
        }

        double[] relative = VarianceProbe.Run(
            session,
            [.. wrapped.Sites.Select(site => Enumerable.Range(0, site.Seeds).Select(seed => site.Chunk(seed).Count).ToArray())],
            BatchTensors.Stream(data.Train, ProbeEpoch, cancellation).Take(batches));
        Dictionary<string, double> scores = wrapped.Sites
            .Zip(relative, (site, score) => (site.ValueName, score))
            .ToDictionary(pair => pair.ValueName, pair => pair.score, StringComparer.Ordinal);
        ImmutableArray<string> chosen = [.. survey.Choose(selectors, scores), .. InitialSites(config)];
        double flops = 3.0 * batches * config.Batch * GraphCost.Of(preset.Graph).ForwardFlops;
        return (config with { Lattice = config.Lattice with { Sites = chosen } }, flops);
    }

    /// <summary>The configuration with all that would be measured in place of the choice, for what holds whatever is chosen.</summary>
    public static RunConfig WithAll(RunConfig config, HostPreset preset)
    {
        ImmutableArray<string> selectors = Workbench.SelectorsOf(preset, config);
        if (!SiteSurvey.IsMeasured(selectors))
        {
            return config;
        }

        IEnumerable<string> all = SiteSurvey.Of(preset.Graph).ToMeasure(selectors).Select(name => "name:" + name);
        return config with { Lattice = config.Lattice with { Sites = [.. all, .. InitialSites(config)] } };
    }

    private static IEnumerable<string> InitialSites(RunConfig config) => config.Lattice.Initial.IsDefault
        ? []
        : config.Lattice.Initial.Select(module => "name:" + InitialModule.Parse(module).Site).Distinct();

    private static WrappedGraph WrapAll(ImmutableArray<string> values, RunConfig config, HostPreset preset)
    {
        int seeds = config.Lattice.SeedsPerSite;
        WrappedGraph wrapped = LatticeWrapping.Wrap(preset.Graph, [.. values.Select(name => "name:" + name)], seeds);
        return wrapped.Sites.FirstOrDefault(site => site.Chunk(0).Count > WidestChunk) is { } wide
            ? throw new EsperException(
                $"lattice.sites: site '{wide.ValueName}' has {wide.Channels} channels in {seeds} seeds, too many to measure: at most {WidestChunk} "
                + $"in one. Raise lattice.seeds_per_site, or leave the site out with '!{wide.ValueName}'.")
            : wrapped;
    }
}

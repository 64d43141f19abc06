using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>
/// Measures how much activations vary, relative to their scale: at each site the variance over examples and positions divided by the mean
/// square, both averaged over channels. It lies in [0, 1] whatever unit the activations have: 0 where every channel is constant, 1 where
/// every channel has mean 0. A layer whose channels say the same of every example offers a module nothing to learn from.
/// </summary>
public static class VarianceProbe
{
    /// <summary>Runs batches through the growth probe; changes nothing in the session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="seedChannels">Channels of each seed of each site.</param>
    /// <param name="batches">An even number of batches.</param>
    /// <returns>The relative variance of each site; 0 where all activations are zero.</returns>
    /// <exception cref="NativeException">Inputs do not fit the graph, or there are not two batches.</exception>
    public static double[] Run(HostSession session, IReadOnlyList<int[]> seedChannels, IEnumerable<HostTensor[]> batches)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(seedChannels);
        GrowthProbe.Gather(session, batches);
        double[] relative = new double[seedChannels.Count];
        for (int site = 0; site < relative.Length; site++)
        {
            SeedProbe[] probes = session.ReadProbe(site);
            double variance = probes.Zip(seedChannels[site], (probe, channels) => probe.Variance * channels).Sum();
            double square = probes.Zip(seedChannels[site], (probe, channels) => probe.InputSquare * channels).Sum();
            relative[site] = square > 0 ? variance / square : 0;
        }

        return relative;
    }
}

using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>
/// Estimates, before anything grows, how much a module at each seed could lower the loss: the gradient that a linear module would see,
/// from two independent halves of data so that its squared norm is unbiased.
/// </summary>
public static class GrowthProbe
{
    /// <summary>Runs the probe; changes nothing in the session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="sites">Number of sites.</param>
    /// <param name="batches">An even number of batches; they go to the two halves in turn.</param>
    public static Dictionary<SeedId, GrowthSignal> Run(HostSession session, int sites, IEnumerable<HostTensor[]> batches)
    {
        ArgumentNullException.ThrowIfNull(session);
        Gather(session, batches);
        Dictionary<SeedId, GrowthSignal> signals = [];
        for (int site = 0; site < sites; site++)
        {
            SeedProbe[] probes = session.ReadProbe(site);
            for (int seed = 0; seed < probes.Length; seed++)
            {
                signals.Add(new SeedId(site, seed), SignalOf(probes[seed]));
            }
        }

        return signals;
    }

    /// <summary>Runs batches for the two halves in turn.</summary>
    internal static void Gather(HostSession session, IEnumerable<HostTensor[]> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        session.ProbeBegin();
        int half = 0;
        foreach (HostTensor[] inputs in batches)
        {
            session.ProbeBatch(inputs, half);
            half = 1 - half;
        }
    }

    private static GrowthSignal SignalOf(SeedProbe probe)
    {
        double norms = Math.Sqrt(probe.SquareA * probe.SquareB);
        return new GrowthSignal(Math.Sqrt(Math.Max(0, probe.Cross)), norms > 0 ? probe.Cross / norms : 0)
        {
            Chunk = new ChunkSignals(probe.Variance, probe.Redundancy, probe.Dead),
        };
    }
}

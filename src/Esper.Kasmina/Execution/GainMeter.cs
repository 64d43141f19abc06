using Esper.Contracts;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>Measures what a seed is worth: the same examples with it and with its alpha at 0, everything else unchanged.</summary>
/// <remarks>
/// This is an ablation. The host has adapted to the seed, so that it tends to say more than a fork (training on with and without
/// the graft) would.
/// </remarks>
public static class GainMeter
{
    /// <summary>Evaluates the gain of one seed; leaves the session as it was.</summary>
    /// <param name="session">The session.</param>
    /// <param name="seed">A blended seed.</param>
    /// <param name="description">Its description as it runs now.</param>
    /// <param name="with">Evaluation with the seed, over the same batches.</param>
    /// <param name="batches">The batches, from the start.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static GainEstimate Measure(
        HostSession session,
        SeedId seed,
        LatticeSeed description,
        Evaluation with,
        IEnumerable<HostTensor[]> batches,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(with);
        session.Update(seed, description with { Alpha = 0 });
        try
        {
            Evaluation without = Evaluation.Of(session, batches, cancellation);
            return GainEstimate.Paired(with.ExampleLoss, without.ExampleLoss, with.ExampleCorrect, without.ExampleCorrect);
        }
        finally
        {
            session.Update(seed, description);
        }
    }
}

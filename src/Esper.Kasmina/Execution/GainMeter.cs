using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Kasmina.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>Measures what seeds are worth: the same examples with each and with its alpha at 0, everything else unchanged.</summary>
/// <remarks>
/// This is an ablation. The host has adapted to the seed, so that it tends to say more than a fork (<see cref="Fork"/>: training on with
/// and without the graft) would.
/// </remarks>
public static class GainMeter
{
    /// <summary>
    /// Evaluates the gains of seeds in one pass over the data: each batch as the model is, then once without each seed. Leaves the
    /// session as it was.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="seeds">Blended seeds with their descriptions as they run now.</param>
    /// <param name="batches">The batches; each is used before the next is asked for.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <returns>The gains in the order of the seeds.</returns>
    /// <exception cref="InvalidOperationException">There are no batches.</exception>
    public static ImmutableArray<GainEstimate> Measure(
        HostSession session,
        IReadOnlyList<(SeedId Seed, LatticeSeed Description)> seeds,
        IEnumerable<HostTensor[]> batches,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(seeds);
        ArgumentNullException.ThrowIfNull(batches);
        EvaluationSum with = new();
        EvaluationSum[] without = [.. seeds.Select(_ => new EvaluationSum())];
        foreach (HostTensor[] inputs in batches)
        {
            cancellation.ThrowIfCancellationRequested();
            with.Add(session, inputs);
            for (int i = 0; i < without.Length; i++)
            {
                AddWithout(session, seeds[i], inputs, without[i]);
            }
        }

        Evaluation whole = with.ToEvaluation();
        return [.. without.Select(sum => Gain(whole, sum.ToEvaluation()))];
    }

    private static GainEstimate Gain(Evaluation with, Evaluation without) =>
        GainEstimate.Paired(with.ExampleLoss, without.ExampleLoss, with.ExampleCorrect, without.ExampleCorrect);

    private static void AddWithout(
        HostSession session, (SeedId Seed, LatticeSeed Description) seed, HostTensor[] inputs, EvaluationSum sum)
    {
        session.Update(seed.Seed, seed.Description with { Alpha = 0 });
        try
        {
            sum.Add(session, inputs);
        }
        finally
        {
            session.Update(seed.Seed, seed.Description);
        }
    }
}

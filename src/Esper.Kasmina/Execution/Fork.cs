using System.Collections.Immutable;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>
/// Trains on from where a session stands, once for each branch: the same parameters, optimizer state, random numbers and batches, but for
/// the one change that the branch makes first. What differs afterwards is that change's doing. Deterministic, and the session comes
/// out as it went in, bit for bit.
/// </summary>
public static class Fork
{
    /// <summary>Runs all branches.</summary>
    /// <param name="session">The session.</param>
    /// <param name="course">What all branches go through.</param>
    /// <param name="branches">The change that each makes to the session before it trains.</param>
    /// <param name="cancellation">Stops between steps; the session is restored then too.</param>
    /// <returns>
    /// The evaluation at the end of each branch; null where a step was not finite, so that there is nothing to compare.
    /// </returns>
    /// <exception cref="InvalidOperationException">The course has fewer training batches than steps.</exception>
    public static ImmutableArray<Evaluation?> Run(
        HostSession session, ForkCourse course, IReadOnlyList<Action<HostSession>> branches, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(course);
        ArgumentNullException.ThrowIfNull(branches);
        ImmutableArray<Evaluation?>.Builder results = ImmutableArray.CreateBuilder<Evaluation?>(branches.Count);
        using HostSnapshot start = session.TakeSnapshot();
        try
        {
            foreach (Action<HostSession> change in branches)
            {
                session.Restore(start);
                change(session);
                results.Add(Train(session, course, cancellation) ? Validate(session, course, cancellation) : null);
            }
        }
        finally
        {
            session.Restore(start);
        }

        return results.MoveToImmutable();
    }

    private static bool Train(HostSession session, ForkCourse course, CancellationToken cancellation)
    {
        int step = 0;
        foreach (HostTensor[] inputs in course.Training().Take(course.Steps))
        {
            cancellation.ThrowIfCancellationRequested();
            float rate = (float)course.LearningRate(step++);
            if (!session.TrainStep(inputs, rate, (float)course.MaximumGradientNorm).Finite)
            {
                return false;
            }
        }

        return step == course.Steps
            ? true
            : throw new InvalidOperationException($"The course has {step} batches, fewer than its {course.Steps} steps.");
    }

    private static Evaluation? Validate(HostSession session, ForkCourse course, CancellationToken cancellation)
    {
        Evaluation result = Evaluation.Of(session, course.Validation(), cancellation);
        return double.IsFinite(result.Loss) ? result : null;
    }
}

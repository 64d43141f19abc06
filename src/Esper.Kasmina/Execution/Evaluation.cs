using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>What a model does on a set of examples.</summary>
/// <param name="Loss">Mean loss.</param>
/// <param name="Accuracy">Share of labels predicted, in [0, 1].</param>
/// <param name="Margin">Mean top-1 minus top-2 logit.</param>
/// <param name="ExampleLoss">Loss of each label.</param>
/// <param name="ExampleCorrect">1 for each label that was predicted, otherwise 0.</param>
public sealed record Evaluation(double Loss, double Accuracy, double Margin, float[] ExampleLoss, byte[] ExampleCorrect)
{
    /// <summary>Evaluates a session, in evaluation mode, over batches.</summary>
    /// <param name="session">The session.</param>
    /// <param name="batches">Inputs of each batch; each is used before the next is asked for.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="InvalidOperationException">There are no batches.</exception>
    public static Evaluation Of(HostSession session, IEnumerable<HostTensor[]> batches, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(batches);
        EvaluationSum sum = new();
        foreach (HostTensor[] inputs in batches)
        {
            cancellation.ThrowIfCancellationRequested();
            sum.Add(session, inputs);
        }

        return sum.ToEvaluation();
    }
}

using System.Collections.Immutable;

namespace Esper.Contracts.Control;

/// <summary>A training step as a decision sees it.</summary>
/// <param name="Loss">Mean loss (nats) of the batch.</param>
/// <param name="Accuracy">Share of its labels that were predicted, in [0, 1], on augmented data.</param>
/// <param name="GradientNorm">Euclidean norm of all gradients, before clipping.</param>
public readonly record struct StepObservation(double Loss, double Accuracy, double GradientNorm);

/// <summary>The last training steps in short: means, and the least-squares lines through them. Slopes are per step.</summary>
/// <param name="Steps">Length of the window.</param>
/// <param name="LossMean">Mean loss (nats).</param>
/// <param name="Loss">Its line.</param>
/// <param name="AccuracyMean">Mean accuracy.</param>
/// <param name="Accuracy">Its line.</param>
/// <param name="GradientNormMean">Mean gradient norm.</param>
/// <param name="GradientNorm">Its line.</param>
public sealed record StepWindow(
    int Steps,
    double LossMean,
    Trend Loss,
    double AccuracyMean,
    Trend Accuracy,
    double GradientNormMean,
    Trend GradientNorm)
{
    /// <summary>Lengths of the windows of a <see cref="SystemState"/>, in steps.</summary>
    public static ImmutableArray<int> Lengths { get; } = [50, 200];

    /// <summary>The windows that the steps fill, shortest first; a window that they do not fill is left out.</summary>
    /// <param name="steps">Steps in order, the last one last.</param>
    /// <exception cref="EsperException">A value is NaN or infinite.</exception>
    public static ImmutableArray<StepWindow> AllOf(ReadOnlySpan<StepObservation> steps)
    {
        ImmutableArray<StepWindow>.Builder windows = ImmutableArray.CreateBuilder<StepWindow>();
        foreach (int length in Lengths)
        {
            if (steps.Length >= length)
            {
                windows.Add(Of(steps[^length..]));
            }
        }

        return windows.ToImmutable();
    }

    private static StepWindow Of(ReadOnlySpan<StepObservation> steps)
    {
        (double lossMean, Trend loss) = Series(steps, static step => step.Loss);
        (double accuracyMean, Trend accuracy) = Series(steps, static step => step.Accuracy);
        (double normMean, Trend norm) = Series(steps, static step => step.GradientNorm);
        return new StepWindow(steps.Length, lossMean, loss, accuracyMean, accuracy, normMean, norm);
    }

    private static (double Mean, Trend Trend) Series(
        ReadOnlySpan<StepObservation> steps, Func<StepObservation, double> figure)
    {
        double[] values = new double[steps.Length];
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = figure(steps[i]);
            sum += values[i];
        }

        return (sum / values.Length, Trend.Of(values, values.Length)!.Value);
    }
}

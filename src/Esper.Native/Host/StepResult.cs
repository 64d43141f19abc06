using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>What a step or an evaluation measured.</summary>
/// <param name="Finite">Whether loss and gradient norm are finite; if not, the optimizer step was not taken.</param>
/// <param name="Loss">Mean over the examples.</param>
/// <param name="GradientNorm">Euclidean norm over all gradients before clipping; null in an evaluation.</param>
/// <param name="Examples">Number of labels that count.</param>
/// <param name="Correct">How many of them the logits' maximum predicts; null when the graph names no logits.</param>
/// <param name="Margin">Mean top-1 minus top-2 logit over the examples; null outside an evaluation or without logits.</param>
/// <param name="ForwardNanoseconds">Time of the forward pass.</param>
/// <param name="BackwardNanoseconds">Time of the backward pass.</param>
/// <param name="OptimizerNanoseconds">Time of clipping and optimizer.</param>
public readonly record struct StepResult(
    bool Finite,
    double Loss,
    double? GradientNorm,
    long Examples,
    long? Correct,
    double? Margin,
    long ForwardNanoseconds,
    long BackwardNanoseconds,
    long OptimizerNanoseconds)
{
    internal static StepResult FromNative(in EsperHostStepResult result, bool evaluation) => new(
        result.Finite != 0,
        result.Loss,
        evaluation ? null : result.GradNorm,
        result.Examples,
        result.Correct >= 0 ? result.Correct : null,
        evaluation && result.Correct >= 0 ? result.Margin : null,
        result.ForwardNs,
        result.BackwardNs,
        result.OptimizerNs);
}

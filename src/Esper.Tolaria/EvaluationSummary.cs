namespace Esper.Tolaria;

/// <summary>What a trained model does on one part of its data.</summary>
/// <param name="Directory">Run directory.</param>
/// <param name="Host">Name of the host.</param>
/// <param name="Dataset">Name of the data set.</param>
/// <param name="Split"><c>validation</c> or <c>test</c>.</param>
/// <param name="Examples">Labels evaluated.</param>
/// <param name="Accuracy">Share predicted, in [0, 1].</param>
/// <param name="Loss">Mean loss (nats).</param>
/// <param name="Parameters">Trained parameters, modules included.</param>
/// <param name="ParametersDigest">SHA-256 over all parameters and buffers, hexadecimal.</param>
public sealed record EvaluationSummary(
    string Directory,
    string Host,
    string Dataset,
    string Split,
    int Examples,
    double Accuracy,
    double Loss,
    long Parameters,
    string ParametersDigest);

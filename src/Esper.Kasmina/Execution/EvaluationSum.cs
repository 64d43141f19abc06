using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>Gathers an evaluation batch by batch.</summary>
internal sealed class EvaluationSum
{
    private readonly List<float> _losses = [];
    private readonly List<byte> _corrects = [];
    private double _loss;
    private double _margin;
    private long _correct;
    private long _examples;

    /// <summary>Evaluates a batch and adds it.</summary>
    public void Add(HostSession session, HostTensor[] inputs)
    {
        int capacity = checked((int)inputs[^1].ElementCount);
        float[] exampleLoss = new float[capacity];
        byte[] exampleCorrect = new byte[capacity];
        StepResult result = session.Evaluate(inputs, exampleLoss, exampleCorrect);
        _losses.AddRange(exampleLoss);
        _corrects.AddRange(exampleCorrect);
        _loss += result.Loss * result.Examples;
        _margin += (result.Margin ?? throw NoLogits()) * result.Examples;
        _correct += result.Correct ?? throw NoLogits();
        _examples += result.Examples;
    }

    /// <summary>What was gathered.</summary>
    /// <exception cref="InvalidOperationException">Nothing was.</exception>
    public Evaluation ToEvaluation() => _examples > 0
        ? new Evaluation(_loss / _examples, (double)_correct / _examples, _margin / _examples, [.. _losses], [.. _corrects])
        : throw new InvalidOperationException("There is nothing to evaluate: no batches.");

    private static InvalidOperationException NoLogits() => new("The host graph names no logits, so that there is no accuracy.");
}

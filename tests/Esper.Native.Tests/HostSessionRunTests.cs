using System.Runtime.InteropServices;

namespace Esper.Native.Tests;

/// <summary>Training, evaluation and outputs of a host session.</summary>
public sealed class HostSessionRunTests
{
    [Fact]
    public void Loss_falls_and_runs_are_bit_identical()
    {
        double[] first = Train(), second = Train();
        Assert.Equal(first, second);
        Assert.True(first[^1] < 0.2 * first[0], $"{first[0]} -> {first[^1]}");

        static double[] Train()
        {
            using HostSession session = SmallClassifier.Session();
            return [.. Enumerable.Range(0, 40).Select(_ => session.TrainStep(SmallClassifier.Inputs, 0.1f).Loss)];
        }
    }

    [Fact]
    public void A_step_reports_what_it_measured()
    {
        using HostSession session = SmallClassifier.Session();
        StepResult step = session.TrainStep(SmallClassifier.Inputs, 0.1f, maxGradNorm: 1);
        Assert.True(step.Finite);
        Assert.Equal(SmallClassifier.Batch, step.Examples);
        Assert.InRange(step.Correct!.Value, 0, SmallClassifier.Batch);
        Assert.True(step.GradientNorm > 0);
        Assert.Null(step.Margin);
        Assert.True(step.ForwardNanoseconds > 0 && step.BackwardNanoseconds > 0 && step.OptimizerNanoseconds > 0);
    }

    [Fact]
    public void Evaluation_gives_each_example_and_their_mean()
    {
        using HostSession session = SmallClassifier.Session();
        float[] loss = new float[SmallClassifier.Batch];
        byte[] correct = new byte[SmallClassifier.Batch];
        StepResult result = session.Evaluate(SmallClassifier.Inputs, loss, correct);
        Assert.Null(result.GradientNorm);
        Assert.Equal(result.Loss, loss.Average(value => (double)value), 1e-6);
        Assert.Equal(result.Correct, correct.Sum(value => value));
        Assert.True(result.Margin > 0);
        ArgumentException failure = Assert.Throws<ArgumentException>(
            () => session.Evaluate(SmallClassifier.Inputs, loss, correct.AsSpan(1)));
        Assert.Contains("exampleLoss has 12 entries, exampleCorrect 11", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Outputs_are_those_of_the_arithmetic()
    {
        using HostSession session = SmallClassifier.Session();
        session.Forward(SmallClassifier.Inputs);
        Assert.Equal([SmallClassifier.Batch, 3L], session.OutputShape(0));
        Assert.Equal(HostDType.Float32, session.OutputType(0));
        Assert.Empty(session.OutputShape(1));
        float[] logits = new float[SmallClassifier.Batch * 3];
        session.ReadOutput(0, logits);

        double[] hidden = Gemm([.. SmallClassifier.X.Select(v => (double)v)], "hidden.weight", "hidden.bias", 6, 8);
        double[] expected = Gemm([.. hidden.Select(v => Math.Max(v, 0))], SmallClassifier.OddName, "head.bias", 8, 3);
        for (int i = 0; i < logits.Length; i++)
        {
            // Sums of at most 8 products of size 1 in float32.
            Assert.Equal(expected[i], logits[i], 1e-5);
        }

        Assert.Equal(
            NativeStatus.InvalidArgument,
            Assert.Throws<NativeException>(() => session.ReadOutput(0, new float[5])).Status);
        Assert.Contains(
            "Output 0 is Float32, not Int64",
            Assert.Throws<ArgumentException>(() => session.ReadOutput(0, new long[36])).Message,
            StringComparison.Ordinal);
        Assert.Throws<NativeException>(() => session.OutputShape(2));
    }

    [Fact]
    public void Gradients_are_state_and_have_the_reported_norm()
    {
        using HostSession session = SmallClassifier.Session();
        Dictionary<string, byte[]> before = SmallClassifier.ReadAll(session);
        StepResult result = session.Gradients(SmallClassifier.Inputs);
        double square = 0;
        foreach (StateTensor tensor in session.State().Where(t => t.Name.StartsWith("grad/", StringComparison.Ordinal)))
        {
            float[] gradient = new float[tensor.ElementCount];
            session.ReadState(tensor.Name, MemoryMarshal.AsBytes(gradient.AsSpan()));
            square += gradient.Sum(value => (double)value * value);
        }

        Assert.Equal(result.GradientNorm!.Value, Math.Sqrt(square), 1e-6);
        Assert.All(before, pair => Assert.Equal(pair.Value, SmallClassifier.Read(session, pair.Key)));
    }

    [Fact]
    public void A_step_that_is_not_finite_changes_nothing()
    {
        using HostSession session = SmallClassifier.Session();
        session.TrainStep(SmallClassifier.Inputs, 0.1f);
        Dictionary<string, byte[]> before = SmallClassifier.ReadAll(session);
        float[] bad = new float[6];
        bad[3] = float.NaN;
        StepResult result = session.TrainStep([HostTensor.Float(bad, 1, 6), HostTensor.Int64(new long[1], 1)], 0.1f);
        Assert.False(result.Finite);
        Assert.Equal(before, SmallClassifier.ReadAll(session));
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        using HostSession session = SmallClassifier.Session();
        HostTensor[] inputs = SmallClassifier.Inputs;
        session.TrainStep(inputs, 0.01f);
        session.Evaluate(inputs);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
        {
            session.TrainStep(inputs, 0.01f, 1, telemetry: true);
            session.Evaluate(inputs);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>x w^T + b with the parameters of that name.</summary>
    private static double[] Gemm(double[] x, string weightName, string biasName, int inputs, int outputs)
    {
        float[] weight = SmallClassifier.ParameterData(weightName, inputs * outputs);
        float[] bias = SmallClassifier.ParameterData(biasName, outputs);
        double[] y = new double[x.Length / inputs * outputs];
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int column) = (i / outputs, i % outputs);
            y[i] = bias[column]
                + Enumerable.Range(0, inputs).Sum(k => x[(row * inputs) + k] * weight[(column * inputs) + k]);
        }

        return y;
    }
}

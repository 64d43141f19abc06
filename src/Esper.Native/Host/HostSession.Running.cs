using Esper.Native.Interop;

namespace Esper.Native;

/// <content>Running the graph.</content>
public sealed unsafe partial class HostSession
{
    private const int MaximumRank = 8;

    /// <summary>One step: forward in training mode, backward from the graph's loss, clipping, optimizer.</summary>
    /// <param name="inputs">In the order of the graph's input values.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="maxGradNorm">All gradients together are scaled down to this norm; 0 = off.</param>
    /// <param name="telemetry">Whether to gather seed telemetry in this step.</param>
    /// <returns>
    /// The measurements; where they are not finite, parameters and optimizer state are as they were before.
    /// </returns>
    /// <exception cref="NativeException">Inputs do not fit the graph, or it names no loss.</exception>
    public StepResult TrainStep(
        ReadOnlySpan<HostTensor> inputs, float learningRate, float maxGradNorm = 0, bool telemetry = false)
    {
        EsperHostStepOptions options = EsperHostStepOptions.Create();
        options.LearningRate = learningRate;
        options.MaxGradNorm = maxGradNorm;
        options.Telemetry = telemetry ? 1 : 0;
        EsperHostStepResult result = EsperHostStepResult.Create();
        using InputBuffer.Lease lease = inputBuffer.Pin(inputs);
        Status.CheckHost(EsperHostApi.TrainStep(handle, lease.Tensors, lease.Count, &options, &result));
        return StepResult.FromNative(result, evaluation: false);
    }

    /// <summary>Forward in evaluation mode without gradients.</summary>
    /// <param name="inputs">In the order of the graph's input values.</param>
    /// <param name="exampleLoss">Receives the loss of each label as far as it reaches; empty = not wanted.</param>
    /// <param name="exampleCorrect">Receives 1 or 0 for each label as far as it reaches; empty = not wanted.</param>
    /// <exception cref="ArgumentException">Both outputs are wanted and differ in length.</exception>
    /// <exception cref="NativeException">Inputs do not fit the graph, or it names no loss.</exception>
    public StepResult Evaluate(
        ReadOnlySpan<HostTensor> inputs, Span<float> exampleLoss = default, Span<byte> exampleCorrect = default)
    {
        if (!exampleLoss.IsEmpty && !exampleCorrect.IsEmpty && exampleLoss.Length != exampleCorrect.Length)
        {
            throw new ArgumentException(
                $"exampleLoss has {exampleLoss.Length} entries, exampleCorrect {exampleCorrect.Length}.", nameof(exampleCorrect));
        }

        EsperHostStepResult result = EsperHostStepResult.Create();
        using InputBuffer.Lease lease = inputBuffer.Pin(inputs);
        fixed (float* pl = exampleLoss)
        fixed (byte* pc = exampleCorrect)
        {
            Status.CheckHost(EsperHostApi.Evaluate(
                handle, lease.Tensors, lease.Count, &result, pl, pc, Math.Max(exampleLoss.Length, exampleCorrect.Length)));
        }

        return StepResult.FromNative(result, evaluation: true);
    }

    /// <summary>Forward only; keeps the graph's outputs for <see cref="ReadOutput(int, Span{float})"/>.</summary>
    /// <param name="inputs">In the order of the graph's input values.</param>
    /// <param name="training">As a training step would, statistics included.</param>
    /// <exception cref="NativeException">Inputs do not fit the graph.</exception>
    public void Forward(ReadOnlySpan<HostTensor> inputs, bool training = false)
    {
        using InputBuffer.Lease lease = inputBuffer.Pin(inputs);
        Status.CheckHost(EsperHostApi.Forward(handle, lease.Tensors, lease.Count, training ? 1 : 0));
    }

    /// <summary>
    /// Forward in training mode and backward from the loss, no optimizer step; gradients are read as <c>grad/...</c>
    /// with <see cref="ReadState"/>.
    /// </summary>
    /// <param name="inputs">In the order of the graph's input values.</param>
    /// <exception cref="NativeException">Inputs do not fit the graph, or it names no loss.</exception>
    public StepResult Gradients(ReadOnlySpan<HostTensor> inputs)
    {
        EsperHostStepResult result = EsperHostStepResult.Create();
        using InputBuffer.Lease lease = inputBuffer.Pin(inputs);
        Status.CheckHost(EsperHostApi.Gradients(handle, lease.Tensors, lease.Count, &result));
        return StepResult.FromNative(result, evaluation: false);
    }

    /// <summary>Extents of graph output <paramref name="index"/> after a forward pass.</summary>
    /// <exception cref="NativeException">There is no such output, or nothing has run yet.</exception>
    public long[] OutputShape(int index) => OutputInfo(index).Dims;

    /// <summary>Element type of graph output <paramref name="index"/> after a forward pass.</summary>
    /// <exception cref="NativeException">There is no such output, or nothing has run yet.</exception>
    public HostDType OutputType(int index) => OutputInfo(index).Type;

    /// <summary>Copies a float32 graph output.</summary>
    /// <param name="index">Number of the output.</param>
    /// <param name="data">Exactly as long as the output.</param>
    /// <exception cref="ArgumentException">The output is not float32.</exception>
    /// <exception cref="NativeException">The length differs, or there is no such output.</exception>
    public void ReadOutput(int index, Span<float> data) => ReadOutput(index, data, HostDType.Float32);

    /// <summary>Copies an int64 graph output.</summary>
    /// <param name="index">Number of the output.</param>
    /// <param name="data">Exactly as long as the output.</param>
    /// <exception cref="ArgumentException">The output is not int64.</exception>
    /// <exception cref="NativeException">The length differs, or there is no such output.</exception>
    public void ReadOutput(int index, Span<long> data) => ReadOutput(index, data, HostDType.Int64);

    /// <summary>Copies a graph output of any element type as its bytes.</summary>
    /// <param name="index">Number of the output.</param>
    /// <param name="data">Exactly as long as the output's bytes.</param>
    /// <exception cref="NativeException">The length differs, or there is no such output.</exception>
    public void ReadOutputBytes(int index, Span<byte> data)
    {
        fixed (byte* p = &Required<byte>.Of(data))
        {
            Status.CheckHost(EsperHostApi.OutputRead(handle, index, p, data.Length));
        }
    }

    private void ReadOutput<T>(int index, Span<T> data, HostDType type)
        where T : unmanaged
    {
        HostDType actual = OutputType(index);
        if (actual != type)
        {
            throw new ArgumentException($"Output {index} is {actual}, not {type}.", nameof(index));
        }

        fixed (T* p = &Required<T>.Of(data))
        {
            Status.CheckHost(EsperHostApi.OutputRead(handle, index, p, (long)data.Length * sizeof(T)), nameof(ReadOutput));
        }
    }

    private (HostDType Type, long[] Dims) OutputInfo(int index)
    {
        int type, rank;
        long* dims = stackalloc long[MaximumRank];
        Status.CheckHost(EsperHostApi.OutputInfo(handle, index, &type, &rank, dims));
        return ((HostDType)type, new ReadOnlySpan<long>(dims, rank).ToArray());
    }
}

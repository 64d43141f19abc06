using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Esper.Contracts;
using Esper.Data;
using Esper.Graph;
using Esper.Kasmina.Execution;
using Esper.Native;

namespace Esper.Tolaria;

/// <summary>What a run of a model made: arrays by name.</summary>
/// <param name="Outputs">The graph's outputs, in its order.</param>
/// <param name="Gradients">Gradients of the parameters; empty where none were asked for.</param>
public sealed record ModelResult(
    ImmutableArray<KeyValuePair<string, NpyArray>> Outputs, ImmutableArray<KeyValuePair<string, NpyArray>> Gradients);

/// <summary>Runs a graph once on given arrays, to compare its numbers with those of other programs.</summary>
public static class ModelRunner
{
    /// <summary>Runs a graph.</summary>
    /// <param name="graph">A valid graph.</param>
    /// <param name="inputs">Arrays in the order of the graph's inputs.</param>
    /// <param name="training">Whether normalisations and Dropout run in training mode.</param>
    /// <param name="gradientOf">
    /// The output whose sum is differentiated with respect to each trained parameter; null for none. Its pass runs in training mode.
    /// </param>
    /// <param name="threads">Threads; 0 = all cores of this process.</param>
    /// <exception cref="EsperException">An array does not fit its input, or the output is not real.</exception>
    public static ModelResult Run(
        HostGraph graph, IReadOnlyList<NpyArray> inputs, bool training = false, string? gradientOf = null, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(inputs);
        HostTensor[] tensors = Tensors(graph, inputs);
        HostSessionOptions options = new() { Threads = threads };
        ImmutableArray<KeyValuePair<string, NpyArray>> gradients = [];
        if (gradientOf is not null)
        {
            HostGraph summed = WithSum(graph, gradientOf);
            using HostSession backward = HostSession.Create(HostTranslation.Describe(summed, 0), options);
            backward.Gradients(tensors);
            gradients = [.. graph.Parameters.Where(p => p.Trained).Select(p => Gradient(backward, p))];
        }

        using HostSession session = HostSession.Create(HostTranslation.Describe(graph, 0), options);
        session.Forward(tensors, training);
        return new ModelResult([.. graph.Outputs.Select((name, i) => KeyValuePair.Create(name, Output(session, i)))], gradients);
    }

    private static HostTensor[] Tensors(HostGraph graph, IReadOnlyList<NpyArray> inputs)
    {
        if (inputs.Count != graph.Inputs.Length)
        {
            throw new EsperException(
                $"the model has {graph.Inputs.Length} inputs ({string.Join(", ", graph.Inputs.Select(i => $"{i.Name} {i.ElementType}{i.Shape}"))}), {inputs.Count} arrays are given");
        }

        return [.. graph.Inputs.Select((input, i) => Tensor(input, inputs[i]))];
    }

    private static HostTensor Tensor(GraphInput input, NpyArray array)
    {
        bool fits = array.Shape.Length == input.Shape.Rank
            && input.Shape.Select((extent, axis) => extent.IsDynamic ? array.Shape[axis] % extent.Size == 0 : array.Shape[axis] == extent.Size).All(ok => ok);
        if (!fits || array.Type.ToString() != input.ElementType.ToString())
        {
            throw new EsperException($"input '{input.Name}' is {input.ElementType}{input.Shape}, the array given for it is {array}");
        }

        long[] dims = [.. array.Shape];
        return array.Type switch
        {
            NpyType.Float32 => HostTensor.Float(Copy<float>(array), dims),
            NpyType.Float64 => HostTensor.Double(Copy<double>(array), dims),
            NpyType.Int64 => HostTensor.Int64(Copy<long>(array), dims),
            NpyType.UInt8 => HostTensor.UInt8(array.Content, dims),
            _ => HostTensor.Bool(array.Content, dims),
        };
    }

    private static T[] Copy<T>(NpyArray array)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(array.Content).ToArray();

    private static HostGraph WithSum(HostGraph graph, string output)
    {
        if (!graph.Outputs.Contains(output))
        {
            throw new EsperException($"the model has no output '{output}'. {Suggestion.Phrase(output, graph.Outputs)}");
        }

        const string Sum = "esper.sum";
        Node node = new(Sum, "ReduceSum", "", [output], [Sum], NodeAttributes.Of(("keepdims", 0L)));
        return GraphValidator.Validate(graph with { Nodes = graph.Nodes.Add(node), Loss = Sum });
    }

    private static KeyValuePair<string, NpyArray> Gradient(HostSession session, Parameter parameter)
    {
        byte[] content = new byte[checked((int)(parameter.ElementCount * sizeof(float)))];

        // A parameter whose gradient is zero throughout, as behind a Relu that lets nothing through, has one all the same.
        if (session.State().Any(tensor => tensor.Name == $"grad/{parameter.Name}"))
        {
            session.ReadState($"grad/{parameter.Name}", content);
        }

        return KeyValuePair.Create(parameter.Name, new NpyArray(NpyType.Float32, [.. parameter.Shape.ToArray()], content));
    }

    private static NpyArray Output(HostSession session, int index)
    {
        NpyType type = session.OutputType(index) switch
        {
            HostDType.Float32 => NpyType.Float32,
            HostDType.Float64 => NpyType.Float64,
            HostDType.Int64 => NpyType.Int64,
            HostDType.UInt8 => NpyType.UInt8,
            _ => NpyType.Bool,
        };
        ImmutableArray<long> shape = [.. session.OutputShape(index)];
        byte[] content = new byte[checked((int)(shape.Aggregate(1L, (product, extent) => product * extent) * NpyArray.SizeOf(type)))];
        session.ReadOutputBytes(index, content);
        return new NpyArray(type, shape, content);
    }
}

using System.Collections.Immutable;
using Esper.Graph;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>Turns a host graph into the description that the native executor takes, with initial parameters.</summary>
public static class HostTranslation
{
    /// <summary>Describes a graph.</summary>
    /// <param name="graph">A valid graph.</param>
    /// <param name="seed">Seed of the initial parameters.</param>
    public static HostGraphDescription Describe(HostGraph graph, long seed)
    {
        ArgumentNullException.ThrowIfNull(graph);
        GraphShapes shapes = ShapeInference.Infer(graph);
        ImmutableArray<HostValue>.Builder values = ImmutableArray.CreateBuilder<HostValue>();
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        void Add(HostValue value)
        {
            numbers.Add(value.Name, values.Count);
            values.Add(value);
        }

        foreach (GraphInput input in graph.Inputs)
        {
            Add(new HostValue(input.Name, HostRole.Input, Kind(input.ElementType), input.Shape.ToArray()));
        }

        foreach (Parameter parameter in graph.Parameters)
        {
            ReadOnlyMemory<float> data = ParameterMaterializer.Materialize(parameter, seed);
            long[] dims = parameter.Shape.ToArray();
            HostRole role = parameter.Trained ? HostRole.Parameter : HostRole.Buffer;
            Add(new HostValue(parameter.Name, role, HostDType.Float32, dims, HostTensor.Float(data, dims)));
        }

        foreach (Constant constant in graph.Constants)
        {
            long[] dims = constant.Shape.ToArray();
            HostTensor data = Content(constant, dims);
            Add(new HostValue(constant.Name, HostRole.Constant, Kind(constant.ElementType), dims, data));
        }

        foreach (string output in graph.Nodes.SelectMany(node => node.Outputs).Where(output => output.Length > 0))
        {
            TensorType type = shapes[output];
            Add(new HostValue(output, HostRole.Intermediate, Kind(type.ElementType), type.Shape.ToArray()));
        }

        int Number(string? name) => string.IsNullOrEmpty(name) ? HostGraphDescription.None : numbers[name];
        return new HostGraphDescription
        {
            Values = values.ToImmutable(),
            Nodes = [.. graph.Nodes.Select(node => new HostNode(
                node.Name,
                node.Op,
                node.Domain,
                [.. node.Inputs.Select(Number)],
                [.. node.Outputs.Select(Number)],
                [.. node.Attributes.Select(attribute => Attribute(attribute.Key, attribute.Value))]))],
            Outputs = [.. graph.Outputs.Select(Number)],
            Loss = Number(graph.Loss),
            Logits = Number(graph.Logits),
            Labels = Number(graph.Labels),
        };
    }

    // Both enumerations use the numbers of ONNX.
    private static HostDType Kind(ElementType type) => (HostDType)(int)type;

    private static HostTensor Content(Constant constant, long[] dims) => constant.ElementType switch
    {
        ElementType.Int64 => HostTensor.Int64(constant.Integers.AsMemory(), dims),
        ElementType.Float32 => HostTensor.Float(constant.Floats.AsMemory(), dims),
        ElementType.Float64 => HostTensor.Double(constant.Doubles.AsMemory(), dims),
        ElementType.Bool => HostTensor.Bool(constant.Bytes.AsMemory(), dims),
        _ => HostTensor.UInt8(constant.Bytes.AsMemory(), dims),
    };

    private static HostAttribute Attribute(string name, AttributeValue value) => value.Kind switch
    {
        AttributeKind.Int => HostAttribute.Int(name, value.Int),
        AttributeKind.Float => HostAttribute.Float(name, value.Float),
        AttributeKind.String => HostAttribute.String(name, value.String),
        AttributeKind.Ints => HostAttribute.Ints(name, value.Ints.AsSpan()),
        _ => HostAttribute.Floats(name, value.Floats.AsSpan()),
    };
}

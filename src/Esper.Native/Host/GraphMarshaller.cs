using System.Collections.Immutable;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>Lays a graph description out as the native side reads it, after checking what it would read blindly.</summary>
/// <param name="graph">The description.</param>
/// <param name="arena">Owner of the memory.</param>
internal sealed unsafe class GraphMarshaller(HostGraphDescription graph, NativeArena arena)
{
    /// <summary>The native form, valid as long as the arena.</summary>
    /// <exception cref="ArgumentException">Data and extents of a value disagree, or a value number does not exist.</exception>
    public EsperHostGraph Marshal()
    {
        EsperHostGraph native = EsperHostGraph.Create();
        native.ValueCount = graph.Values.Length;
        native.Values = arena.Array<EsperHostValue>(graph.Values.Length);
        for (int i = 0; i < graph.Values.Length; i++)
        {
            native.Values[i] = Value(graph.Values[i]);
        }

        native.NodeCount = graph.Nodes.Length;
        native.Nodes = arena.Array<EsperHostNode>(graph.Nodes.Length);
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            native.Nodes[i] = Node(graph.Nodes[i]);
        }

        native.OutputCount = graph.Outputs.Length;
        native.Outputs = Numbers(graph.Outputs, "The graph's outputs");
        native.Loss = Number(graph.Loss, "The graph's loss");
        native.Logits = Number(graph.Logits, "The graph's logits");
        native.Labels = Number(graph.Labels, "The graph's labels");
        return native;
    }

    private EsperHostValue Value(HostValue value)
    {
        EsperHostValue native = EsperHostValue.Create();
        native.Role = (int)value.Role;
        native.Name = arena.Text(value.Name);
        native.Dtype = (int)value.DType;
        native.Rank = value.Dims?.Count ?? -1;
        native.Dims = arena.Copy<long>(value.Dims?.ToArray());
        if (value.Data is { } data)
        {
            CheckData(value, data);
            native.Data = arena.Pin(data);
        }
        else if (value.Role is HostRole.Parameter or HostRole.Buffer or HostRole.Constant)
        {
            throw new ArgumentException($"{value.Role} '{value.Name}' has no data; it needs its initial content.");
        }

        return native;
    }

    private static void CheckData(HostValue value, HostTensor data)
    {
        if (data.DType != value.DType)
        {
            throw new ArgumentException($"Value '{value.Name}' is {value.DType}, its data are {data.DType}.");
        }

        if (value.Dims is null || !data.Dims.SequenceEqual(value.Dims.ToArray()))
        {
            string expected = value.Dims is null ? "unknown" : $"[{string.Join(", ", value.Dims)}]";
            throw new ArgumentException(
                $"Value '{value.Name}' has extents {expected}, its data [{string.Join(", ", data.Dims.ToArray())}].");
        }
    }

    private EsperHostNode Node(HostNode node)
    {
        EsperHostNode native = EsperHostNode.Create();
        native.Name = arena.Text(node.Name);
        native.Op = arena.Text(node.Op);
        native.Domain = arena.Text(node.Domain);
        native.InputCount = node.Inputs.Length;
        native.Inputs = Numbers(node.Inputs, $"Node '{node.Name}'");
        native.OutputCount = node.Outputs.Length;
        native.Outputs = Numbers(node.Outputs, $"Node '{node.Name}'");
        native.AttributeCount = node.Attributes.Length;
        native.Attributes = arena.Array<EsperHostAttribute>(node.Attributes.Length);
        for (int i = 0; i < node.Attributes.Length; i++)
        {
            native.Attributes[i] = Attribute(node.Attributes[i]);
        }

        return native;
    }

    private EsperHostAttribute Attribute(HostAttribute attribute)
    {
        EsperHostAttribute native = EsperHostAttribute.Create();
        native.Kind = (int)attribute.Kind;
        native.Name = arena.Text(attribute.Name);
        native.IntValue = attribute.IntValue;
        native.FloatValue = attribute.FloatValue;
        native.StringValue = attribute.StringValue is { } text ? arena.Text(text) : null;
        native.Ints = arena.Copy(attribute.IntValues.AsSpan());
        native.Floats = arena.Copy(attribute.FloatValues.AsSpan());
        native.Count = attribute.IntValues.Length + attribute.FloatValues.Length;
        return native;
    }

    private int* Numbers(ImmutableArray<int> numbers, string owner)
    {
        foreach (int number in numbers)
        {
            Number(number, owner);
        }

        return arena.Copy(numbers.AsSpan());
    }

    private int Number(int number, string owner) =>
        number >= HostGraphDescription.None && number < graph.Values.Length
            ? number
            : throw new ArgumentException($"{owner} names value {number}; the graph has {graph.Values.Length} values.");
}

using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Esper.Graph.Onnx;

namespace Esper.Graph.Tests.Onnx;

/// <summary>Puts ONNX models together for tests.</summary>
internal sealed class TestModel(long opset = 17)
{
    private readonly List<OnnxNode> _nodes = [];
    private readonly List<OnnxTensor> _tensors = [];
    private readonly List<OnnxValue> _inputs = [];
    private readonly List<OnnxValue> _outputs = [];
    private readonly List<OnnxFunction> _functions = [];

    public static OnnxTensor Floats(string name, long[] shape, params float[] values) => new()
    {
        Name = name,
        ElementType = 1,
        Extents = [.. shape],
        Raw = MemoryMarshal.AsBytes<float>(values).ToArray(),
    };

    public static OnnxTensor Integers(string name, long[] shape, params long[] values) =>
        new() { Name = name, ElementType = 7, Extents = [.. shape], Integers = [.. values] };

    public static OnnxAttribute Attribute(string name, long value) => new() { Name = name, Kind = OnnxAttributeKind.Int, Int = value };

    public static OnnxAttribute Attribute(string name, float value) => new() { Name = name, Kind = OnnxAttributeKind.Float, Float = value };

    public static OnnxAttribute Attribute(string name, params long[] values) => new() { Name = name, Kind = OnnxAttributeKind.Ints, Ints = [.. values] };

    public static OnnxAttribute Attribute(string name, OnnxTensor value) => new() { Name = name, Kind = OnnxAttributeKind.Tensor, Tensor = value };

    public static OnnxAttribute Attribute(string name, OnnxGraph value) => new() { Name = name, Kind = OnnxAttributeKind.Graph, Graph = value };

    public static OnnxValue Value(string name, int type, params OnnxDimension[] shape) =>
        new() { Name = name, IsTensor = true, ElementType = type, Shape = [.. shape] };

    /// <summary>An input; a negative extent is the open batch <c>N</c>.</summary>
    public TestModel Input(string name, params long[] shape) => InputOf(1, name, shape);

    public TestModel InputOf(int type, string name, params long[] shape)
    {
        _inputs.Add(Value(name, type, [.. shape.Select(extent => extent < 0 ? new OnnxDimension(null, "N") : new OnnxDimension(extent))]));
        return this;
    }

    public TestModel Input(OnnxValue value)
    {
        _inputs.Add(value);
        return this;
    }

    public TestModel Tensor(OnnxTensor tensor)
    {
        _tensors.Add(tensor);
        return this;
    }

    /// <summary>A float tensor of tenths.</summary>
    public TestModel Weight(string name, params long[] shape)
    {
        int count = (int)shape.Aggregate(1L, (product, extent) => product * extent);
        return Tensor(Floats(name, shape, [.. Enumerable.Range(0, count).Select(i => (i % 7 * 0.1f) - 0.3f)]));
    }

    /// <summary>A node written as <c>Op a,b -> c,d</c>; a comma before nothing leaves a value out.</summary>
    public TestModel Node(string text, params OnnxAttribute[] attributes)
    {
        string[] halves = text.Split("->");
        string[] head = halves[0].Trim().Split(' ', 2);
        string[] parts = head[0].Split('.');
        _nodes.Add(new OnnxNode
        {
            Name = $"n{_nodes.Count}",
            Op = parts[^1],
            Domain = string.Join('.', parts[..^1]),
            Inputs = head.Length == 1 ? [] : [.. head[1].Split(',').Select(name => name.Trim())],
            Outputs = [.. halves[1].Split(',').Select(name => name.Trim())],
            Attributes = [.. attributes],
        });
        return this;
    }

    public TestModel Output(params string[] names)
    {
        _outputs.AddRange(names.Select(name => new OnnxValue { Name = name }));
        return this;
    }

    public TestModel Function(OnnxFunction function)
    {
        _functions.Add(function);
        return this;
    }

    public OnnxGraph Graph() => new()
    {
        Name = "test",
        Nodes = [.. _nodes],
        Initializers = [.. _tensors],
        Inputs = [.. _inputs],
        Outputs = [.. _outputs],
    };

    public OnnxModel Build() => new()
    {
        IrVersion = 8,
        ProducerName = "test",
        Opsets = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal).Add("", opset),
        Graph = Graph(),
        Functions = [.. _functions],
    };

    /// <summary>The model as a file holds it.</summary>
    public byte[] Bytes() => Bytes(Build());

    public static byte[] Bytes(OnnxModel model)
    {
        using MemoryStream stream = new();
        OnnxWriter.Write(model, stream);
        return stream.ToArray();
    }
}

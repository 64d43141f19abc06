using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Reads ONNX's protocol buffers. Fields that mean nothing here (documentation, training information) are gone over.</summary>
public static class OnnxReader
{
    /// <summary>Graphs in attributes of graphs, and so on; real models have a few.</summary>
    private const int DeepestGraph = 32;

    /// <summary>Reads a model. Contents of tensors stay in the memory that is given.</summary>
    /// <exception cref="OnnxFormatException">The bytes are no ONNX model; the message says where.</exception>
    public static OnnxModel Read(ReadOnlyMemory<byte> file)
    {
        WireReader reader = new(file);
        OnnxGraph? graph = null;
        OnnxModel model = new() { Graph = new OnnxGraph() };
        var opsets = OnnxModel.Empty<long>().ToBuilder();
        var metadata = OnnxModel.Empty<string>().ToBuilder();
        ImmutableArray<OnnxFunction>.Builder functions = ImmutableArray.CreateBuilder<OnnxFunction>();
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    model = model with { IrVersion = reader.Int64() };
                    break;
                case 2:
                    model = model with { ProducerName = reader.Text() };
                    break;
                case 3:
                    model = model with { ProducerVersion = reader.Text() };
                    break;
                case 7:
                    graph = ReadGraph(reader.Message(), 1);
                    break;
                case 8:
                    ReadOpset(reader.Message(), opsets);
                    break;
                case 14:
                    ReadEntry(reader.Message(), metadata);
                    break;
                case 25:
                    functions.Add(ReadFunction(reader.Message()));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return model with
        {
            Graph = graph ?? throw new OnnxFormatException("not an ONNX model: it has no graph"),
            Opsets = opsets.ToImmutable(),
            Metadata = metadata.ToImmutable(),
            Functions = functions.ToImmutable(),
        };
    }

    private static void ReadOpset(WireReader reader, ImmutableSortedDictionary<string, long>.Builder opsets)
    {
        (string domain, long version) = ("", 0);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    domain = reader.Text();
                    break;
                case 2:
                    version = reader.Int64();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        opsets[OnnxDomain.Of(domain)] = version;
    }

    private static void ReadEntry(WireReader reader, ImmutableSortedDictionary<string, string>.Builder entries)
    {
        (string key, string value) = ("", "");
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    key = reader.Text();
                    break;
                case 2:
                    value = reader.Text();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        entries[key] = value;
    }

    private static OnnxGraph ReadGraph(WireReader reader, int depth)
    {
        if (depth > DeepestGraph)
        {
            throw reader.Fail($"graphs are nested deeper than {DeepestGraph}");
        }

        List<OnnxNode> nodes = [];
        List<OnnxTensor> initializers = [];
        List<OnnxValue> inputs = [], outputs = [], values = [];
        (string name, int sparse) = ("", 0);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    nodes.Add(ReadNode(reader.Message(), depth));
                    break;
                case 2:
                    name = reader.Text();
                    break;
                case 5:
                    initializers.Add(ReadTensor(reader.Message()));
                    break;
                case 11:
                    inputs.Add(ReadValue(reader.Message()));
                    break;
                case 12:
                    outputs.Add(ReadValue(reader.Message()));
                    break;
                case 13:
                    values.Add(ReadValue(reader.Message()));
                    break;
                case 15:
                    reader.Skip();
                    sparse++;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new OnnxGraph
        {
            Name = name,
            Nodes = [.. nodes],
            Initializers = [.. initializers],
            SparseInitializers = sparse,
            Inputs = [.. inputs],
            Outputs = [.. outputs],
            Values = [.. values],
        };
    }

    private static OnnxNode ReadNode(WireReader reader, int depth)
    {
        OnnxNode node = new();
        List<string> inputs = [], outputs = [];
        List<OnnxAttribute> attributes = [];
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    inputs.Add(reader.Text());
                    break;
                case 2:
                    outputs.Add(reader.Text());
                    break;
                case 3:
                    node = node with { Name = reader.Text() };
                    break;
                case 4:
                    node = node with { Op = reader.Text() };
                    break;
                case 5:
                    attributes.Add(ReadAttribute(reader.Message(), depth));
                    break;
                case 7:
                    node = node with { Domain = OnnxDomain.Of(reader.Text()) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return node with { Inputs = [.. inputs], Outputs = [.. outputs], Attributes = [.. attributes] };
    }

    private static OnnxFunction ReadFunction(WireReader reader)
    {
        OnnxFunction function = new();
        List<string> inputs = [], outputs = [], attributes = [];
        List<OnnxAttribute> defaults = [];
        List<OnnxNode> nodes = [];
        var opsets = OnnxModel.Empty<long>().ToBuilder();
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    function = function with { Name = reader.Text() };
                    break;
                case 4:
                    inputs.Add(reader.Text());
                    break;
                case 5:
                    outputs.Add(reader.Text());
                    break;
                case 6:
                    attributes.Add(reader.Text());
                    break;
                case 7:
                    nodes.Add(ReadNode(reader.Message(), 1));
                    break;
                case 9:
                    ReadOpset(reader.Message(), opsets);
                    break;
                case 10:
                    function = function with { Domain = OnnxDomain.Of(reader.Text()) };
                    break;
                case 11:
                    defaults.Add(ReadAttribute(reader.Message(), 1));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return function with
        {
            Inputs = [.. inputs],
            Outputs = [.. outputs],
            Attributes = [.. attributes],
            Defaults = [.. defaults],
            Nodes = [.. nodes],
            Opsets = opsets.ToImmutable(),
        };
    }

    private static OnnxAttribute ReadAttribute(WireReader reader, int depth)
    {
        OnnxAttribute attribute = new();
        List<float> floats = [];
        List<long> ints = [];
        List<string> strings = [];
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    attribute = attribute with { Name = reader.Text() };
                    break;
                case 2:
                    attribute = attribute with { Float = reader.Float() };
                    break;
                case 3:
                    attribute = attribute with { Int = reader.Int64() };
                    break;
                case 4:
                    attribute = attribute with { String = reader.Text() };
                    break;
                case 5:
                    attribute = attribute with { Tensor = ReadTensor(reader.Message()) };
                    break;
                case 6:
                    attribute = attribute with { Graph = ReadGraph(reader.Message(), depth + 1) };
                    break;
                case 7:
                    reader.Floats(floats);
                    break;
                case 8:
                    reader.Int64s(ints);
                    break;
                case 9:
                    strings.Add(reader.Text());
                    break;
                case 20:
                    attribute = attribute with { Kind = (OnnxAttributeKind)reader.Int32() };
                    break;
                case 21:
                    attribute = attribute with { Reference = reader.Text() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return attribute with { Floats = [.. floats], Ints = [.. ints], Strings = [.. strings] };
    }

    private static OnnxTensor ReadTensor(WireReader reader)
    {
        const int InAnotherFile = 1;
        OnnxTensor tensor = new();
        List<long> extents = [], integers = [];
        List<float> floats = [];
        List<double> doubles = [];
        var external = OnnxModel.Empty<string>().ToBuilder();
        bool elsewhere = false;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    reader.Int64s(extents);
                    break;
                case 2:
                    tensor = tensor with { ElementType = reader.Int32() };
                    break;
                case 4:
                    reader.Floats(floats);
                    break;
                case 5 or 7 or 11:
                    reader.Int64s(integers);
                    break;
                case 8:
                    tensor = tensor with { Name = reader.Text() };
                    break;
                case 9:
                    tensor = tensor with { Raw = reader.Bytes() };
                    break;
                case 10:
                    reader.Doubles(doubles);
                    break;
                case 13:
                    ReadEntry(reader.Message(), external);
                    break;
                case 14:
                    elsewhere = reader.Int64() == InAnotherFile;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        // An empty list and no bytes are an empty tensor; no list at all is written the same way.
        return tensor with
        {
            Extents = [.. extents],
            Integers = [.. integers],
            Floats = [.. floats],
            Doubles = [.. doubles],
            External = elsewhere ? external.ToImmutable() : null,
        };
    }

    private static OnnxValue ReadValue(WireReader reader)
    {
        OnnxValue value = new();
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    value = value with { Name = reader.Text() };
                    break;
                case 2:
                    value = ReadType(reader.Message(), value);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return value;
    }

    private static OnnxValue ReadType(WireReader reader, OnnxValue value)
    {
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                reader.Skip();
                continue;
            }

            value = value with { IsTensor = true };
            WireReader tensor = reader.Message();
            while (tensor.Next())
            {
                switch (tensor.Field)
                {
                    case 1:
                        value = value with { ElementType = tensor.Int32() };
                        break;
                    case 2:
                        value = value with { Shape = ReadShape(tensor.Message()) };
                        break;
                    default:
                        tensor.Skip();
                        break;
                }
            }
        }

        return value;
    }

    private static ImmutableArray<OnnxDimension> ReadShape(WireReader reader)
    {
        List<OnnxDimension> shape = [];
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                reader.Skip();
                continue;
            }

            OnnxDimension dimension = new(null);
            WireReader one = reader.Message();
            while (one.Next())
            {
                switch (one.Field)
                {
                    case 1:
                        dimension = new OnnxDimension(one.Int64());
                        break;
                    case 2:
                        dimension = new OnnxDimension(null, one.Text());
                        break;
                    default:
                        one.Skip();
                        break;
                }
            }

            shape.Add(dimension);
        }

        return [.. shape];
    }
}

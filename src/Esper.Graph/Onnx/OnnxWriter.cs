using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Writes models as ONNX's protocol buffers.</summary>
public static class OnnxWriter
{
    /// <summary>The most bytes that a protocol buffer may have.</summary>
    private const long Longest = int.MaxValue;

    /// <summary>Writes a model.</summary>
    /// <exception cref="OnnxFormatException">It is longer than the 2 GiB that the format allows.</exception>
    public static void Write(OnnxModel model, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stream);
        WireWriter writer = new();
        writer.NonZero(1, model.IrVersion);
        writer.NonEmpty(2, model.ProducerName);
        writer.NonEmpty(3, model.ProducerVersion);
        writer.Message(7, Graph(model.Graph));
        foreach ((string domain, long version) in model.Opsets)
        {
            writer.Message(8, Opset(domain, version));
        }

        foreach ((string key, string value) in model.Metadata)
        {
            writer.Message(14, Entry(key, value));
        }

        foreach (OnnxFunction function in model.Functions)
        {
            writer.Message(25, Function(function));
        }

        if (writer.Length > Longest)
        {
            throw new OnnxFormatException($"the model takes {writer.Length} bytes, an ONNX file holds {Longest}: keep its weights in another file");
        }

        writer.CopyTo(stream);
    }

    private static WireWriter Opset(string domain, long version)
    {
        WireWriter writer = new();
        writer.NonEmpty(1, domain);
        writer.Int64(2, version);
        return writer;
    }

    private static WireWriter Entry(string key, string value)
    {
        WireWriter writer = new();
        writer.Text(1, key);
        writer.Text(2, value);
        return writer;
    }

    private static WireWriter Graph(OnnxGraph graph)
    {
        if (graph.SparseInitializers > 0)
        {
            throw new OnnxFormatException($"graph '{graph.Name}' has sparse initializers, which cannot be written");
        }

        WireWriter writer = new();
        foreach (OnnxNode node in graph.Nodes)
        {
            writer.Message(1, Node(node));
        }

        writer.NonEmpty(2, graph.Name);
        foreach (OnnxTensor tensor in graph.Initializers)
        {
            writer.Message(5, Tensor(tensor));
        }

        Values(writer, 11, graph.Inputs);
        Values(writer, 12, graph.Outputs);
        Values(writer, 13, graph.Values);
        return writer;
    }

    private static WireWriter Node(OnnxNode node)
    {
        WireWriter writer = new();
        Texts(writer, 1, node.Inputs);
        Texts(writer, 2, node.Outputs);
        writer.NonEmpty(3, node.Name);
        writer.Text(4, node.Op);
        foreach (OnnxAttribute attribute in node.Attributes)
        {
            writer.Message(5, Attribute(attribute));
        }

        writer.NonEmpty(7, node.Domain);
        return writer;
    }

    private static WireWriter Function(OnnxFunction function)
    {
        WireWriter writer = new();
        writer.Text(1, function.Name);
        Texts(writer, 4, function.Inputs);
        Texts(writer, 5, function.Outputs);
        Texts(writer, 6, function.Attributes);
        foreach (OnnxNode node in function.Nodes)
        {
            writer.Message(7, Node(node));
        }

        foreach ((string domain, long version) in function.Opsets)
        {
            writer.Message(9, Opset(domain, version));
        }

        writer.NonEmpty(10, function.Domain);
        foreach (OnnxAttribute attribute in function.Defaults)
        {
            writer.Message(11, Attribute(attribute));
        }

        return writer;
    }

    private static WireWriter Attribute(OnnxAttribute attribute)
    {
        WireWriter writer = new();
        writer.Text(1, attribute.Name);
        switch (attribute.Kind)
        {
            case OnnxAttributeKind.Float:
                writer.Float(2, attribute.Float);
                break;
            case OnnxAttributeKind.Int:
                writer.Int64(3, attribute.Int);
                break;
            case OnnxAttributeKind.String:
                writer.Text(4, attribute.String);
                break;
            case OnnxAttributeKind.Tensor when attribute.Tensor is { } tensor:
                writer.Message(5, Tensor(tensor));
                break;
            case OnnxAttributeKind.Graph when attribute.Graph is { } graph:
                writer.Message(6, Graph(graph));
                break;
            case OnnxAttributeKind.Floats:
                writer.Floats(7, attribute.Floats.AsSpan());
                break;
            case OnnxAttributeKind.Ints:
                writer.Int64s(8, attribute.Ints.AsSpan());
                break;
            case OnnxAttributeKind.Strings:
                Texts(writer, 9, attribute.Strings);
                break;
            default:
                throw new OnnxFormatException($"attribute '{attribute.Name}' is of kind {attribute.Kind}, which cannot be written");
        }

        writer.Int64(20, (long)attribute.Kind);
        writer.NonEmpty(21, attribute.Reference);
        return writer;
    }

    private static WireWriter Tensor(OnnxTensor tensor)
    {
        WireWriter writer = new();
        writer.Int64s(1, tensor.Extents.AsSpan());
        writer.Int64(2, tensor.ElementType);
        writer.Floats(4, tensor.Floats.AsSpan());
        writer.Int64s(IntegerField(tensor.ElementType), tensor.Integers.AsSpan());
        writer.NonEmpty(8, tensor.Name);
        if (tensor.Raw is { } raw)
        {
            writer.Bytes(9, raw);
        }

        if (tensor.Doubles.Length > 0)
        {
            byte[] bytes = new byte[checked(8 * tensor.Doubles.Length)];
            for (int i = 0; i < tensor.Doubles.Length; i++)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(8 * i), tensor.Doubles[i]);
            }

            writer.Bytes(10, bytes);
        }

        if (tensor.External is { } external)
        {
            foreach ((string key, string value) in external)
            {
                writer.Message(13, Entry(key, value));
            }

            writer.Int64(14, 1);
        }

        return writer;
    }

    // int64_data, uint64_data, or int32_data for all that is narrower.
    private static int IntegerField(int elementType) => elementType switch
    {
        OnnxElementType.Int64 => 7,
        OnnxElementType.UInt32 or OnnxElementType.UInt64 => 11,
        _ => 5,
    };

    private static void Values(WireWriter writer, int field, ImmutableArray<OnnxValue> values)
    {
        foreach (OnnxValue value in values)
        {
            WireWriter one = new();
            one.Text(1, value.Name);
            if (value.IsTensor)
            {
                one.Message(2, TensorType(value));
            }

            writer.Message(field, one);
        }
    }

    private static WireWriter TensorType(OnnxValue value)
    {
        WireWriter tensor = new();
        tensor.NonZero(1, value.ElementType);
        if (value.Shape is { } shape)
        {
            WireWriter extents = new();
            foreach (OnnxDimension dimension in shape)
            {
                WireWriter one = new();
                if (dimension.Value is { } number)
                {
                    one.Int64(1, number);
                }
                else
                {
                    one.NonEmpty(2, dimension.Parameter);
                }

                extents.Message(1, one);
            }

            tensor.Message(2, extents);
        }

        WireWriter type = new();
        type.Message(1, tensor);
        return type;
    }

    private static void Texts(WireWriter writer, int field, ImmutableArray<string> texts)
    {
        foreach (string text in texts)
        {
            writer.Text(field, text);
        }
    }
}

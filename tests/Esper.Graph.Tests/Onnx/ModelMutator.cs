using System.Collections.Immutable;
using Esper.Graph.Onnx;

namespace Esper.Graph.Tests.Onnx;

/// <summary>Damages models: in their parts, so that what comes out can still be read, and in their bytes. A seed names a case.</summary>
internal sealed class ModelMutator(ImmutableArray<OnnxModel> corpus)
{
    private static readonly long[] Numbers =
        [0, 1, -1, 2, 3, 7, 13, 64, 255, 1000, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue, long.MaxValue / 2];

    private static readonly ImmutableArray<string> Operators = [.. OperatorCatalog.Names.Where(name => !name.Contains('.', StringComparison.Ordinal)), "If", "Loop", "Constant", "ConstantOfShape", "Identity"];

    public byte[] Mutate(long seed)
    {
        Random random = new(unchecked((int)(seed ^ (seed >> 32))));
        OnnxModel model = corpus[random.Next(corpus.Length)];
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes; i++)
        {
            model = random.Next(12) == 0 ? Opsets(model, random) : model with { Graph = Graph(model.Graph, random) };
        }

        if (random.Next(6) == 0 && !model.Functions.IsEmpty)
        {
            model = model with { Functions = [.. model.Functions.Select(f => f with { Nodes = Nodes(f.Nodes, random) })] };
        }

        byte[] bytes = TestModel.Bytes(model);
        return random.Next(3) == 0 ? Bytes(bytes, random) : bytes;
    }

    private static OnnxModel Opsets(OnnxModel model, Random random) =>
        model with { Opsets = model.Opsets.SetItem("", random.Next(3) == 0 ? Number(random) : random.Next(12, 25)) };

    private static OnnxGraph Graph(OnnxGraph graph, Random random) => random.Next(8) switch
    {
        0 when !graph.Initializers.IsEmpty => graph with { Initializers = One(graph.Initializers, random, t => Tensor(t, random)) },
        1 when !graph.Initializers.IsEmpty => graph with { Initializers = graph.Initializers.RemoveAt(random.Next(graph.Initializers.Length)) },
        2 when !graph.Inputs.IsEmpty => graph with { Inputs = One(graph.Inputs, random, v => Value(v, random)) },
        3 when !graph.Outputs.IsEmpty => graph with { Outputs = One(graph.Outputs, random, v => v with { Name = AnyName(graph, random) }) },
        4 when !graph.Initializers.IsEmpty => graph with { Inputs = graph.Inputs.Add(new OnnxValue { Name = graph.Initializers[random.Next(graph.Initializers.Length)].Name }) },
        _ => graph with { Nodes = Nodes(graph.Nodes, random, graph) },
    };

    private static ImmutableArray<OnnxNode> Nodes(ImmutableArray<OnnxNode> nodes, Random random, OnnxGraph? graph = null)
    {
        if (nodes.IsEmpty)
        {
            return nodes;
        }

        int at = random.Next(nodes.Length);
        OnnxNode node = nodes[at];
        string Name() => graph is null ? node.Inputs.FirstOrDefault("") : AnyName(graph, random);
        OnnxNode changed = random.Next(9) switch
        {
            0 => node with { Op = Operators[random.Next(Operators.Length)] },
            1 => node with { Inputs = node.Inputs.Add(Name()) },
            2 when !node.Inputs.IsEmpty => node with { Inputs = node.Inputs.RemoveAt(random.Next(node.Inputs.Length)) },
            3 when !node.Inputs.IsEmpty => node with { Inputs = node.Inputs.SetItem(random.Next(node.Inputs.Length), Name()) },
            4 => node with { Outputs = random.Next(2) == 0 ? node.Outputs.Add($"extra{random.Next(100)}") : [] },
            5 when !node.Attributes.IsEmpty => node with { Attributes = One(node.Attributes, random, a => Attribute(a, random)) },
            6 => node with { Attributes = node.Attributes.Add(new OnnxAttribute { Name = "axis", Kind = OnnxAttributeKind.Int, Int = Number(random) }) },
            7 => node with { Domain = "other" },
            _ => node with { Name = "" },
        };
        return random.Next(10) switch
        {
            0 => nodes.RemoveAt(at),
            1 => nodes.Add(node),
            2 => nodes.RemoveAt(at).Insert(random.Next(nodes.Length), node),
            _ => nodes.SetItem(at, changed),
        };
    }

    private static OnnxTensor Tensor(OnnxTensor tensor, Random random) => random.Next(6) switch
    {
        0 => tensor with { ElementType = random.Next(-1, 25) },
        1 => tensor with { Extents = tensor.Extents.Add(Number(random)) },
        2 when !tensor.Extents.IsEmpty => tensor with { Extents = tensor.Extents.SetItem(random.Next(tensor.Extents.Length), Number(random)) },
        3 => tensor with { Raw = null },
        4 => tensor with { External = ImmutableSortedDictionary<string, string>.Empty.Add("location", random.Next(2) == 0 ? "../../../etc/passwd" : "w.bin") },
        _ => tensor with { Integers = [.. tensor.Integers.Select(_ => Number(random))] },
    };

    private static OnnxValue Value(OnnxValue value, Random random) => random.Next(5) switch
    {
        0 => value with { ElementType = random.Next(-1, 25) },
        1 => value with { Shape = null },
        2 => value with { IsTensor = false },
        3 when value.Shape is { IsEmpty: false } shape => value with { Shape = shape.SetItem(random.Next(shape.Length), new OnnxDimension(Number(random))) },
        _ => value with { Shape = [.. value.Shape ?? [], new OnnxDimension(null, "M")] },
    };

    private static OnnxAttribute Attribute(OnnxAttribute attribute, Random random) => random.Next(5) switch
    {
        0 => attribute with { Int = Number(random), Ints = [.. attribute.Ints.Select(_ => Number(random))] },
        1 => attribute with { Name = attribute.Name + "x" },
        2 => attribute with { Kind = random.Next(2) == 0 ? OnnxAttributeKind.Int : OnnxAttributeKind.Ints },
        3 => attribute with { Ints = attribute.Ints.Add(Number(random)) },
        _ when attribute.Tensor is { } tensor => attribute with { Tensor = Tensor(tensor, random) },
        _ when attribute.Graph is { } graph => attribute with { Graph = Graph(graph, random) },
        _ => attribute with { Float = float.NaN },
    };

    private static byte[] Bytes(byte[] file, Random random)
    {
        List<byte> bytes = [.. file];
        int changes = random.Next(1, 8);
        for (int i = 0; i < changes && bytes.Count > 0; i++)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 12)).Select(_ => (byte)(random.Next(2) == 0 ? 255 : random.Next(256))));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static ImmutableArray<T> One<T>(ImmutableArray<T> items, Random random, Func<T, T> change)
    {
        int at = random.Next(items.Length);
        return items.SetItem(at, change(items[at]));
    }

    private static string AnyName(OnnxGraph graph, Random random)
    {
        string[] names = [.. graph.Nodes.SelectMany(n => n.Outputs), .. graph.Initializers.Select(t => t.Name), .. graph.Inputs.Select(v => v.Name), "nowhere", ""];
        return names[random.Next(names.Length)];
    }

    private static long Number(Random random) => Numbers[random.Next(Numbers.Length)];
}

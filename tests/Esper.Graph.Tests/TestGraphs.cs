using System.Collections.Immutable;

namespace Esper.Graph.Tests;

/// <summary>Small graphs that several tests use.</summary>
internal static class TestGraphs
{
    public const long N = -1;

    public static TensorShape Shape(params long[] extents) => TensorShape.Of(extents);

    public static GraphInput Float(string name, params long[] extents) => new(name, ElementType.Float32, Shape(extents));

    public static GraphInput Int(string name, params long[] extents) => new(name, ElementType.Int64, Shape(extents));

    public static Node Node(string name, string op, string[] inputs, string[] outputs, NodeAttributes? attributes = null) =>
        new(name, op, "", [.. inputs], [.. outputs], attributes ?? NodeAttributes.None);

    /// <summary>A graph of one node called "node" whose outputs are y0, y1, ...</summary>
    public static HostGraph Single(
        string op, NodeAttributes? attributes, object[] operands, int outputs = 1, string domain = "")
    {
        List<GraphInput> inputs = [];
        List<Constant> constants = [];
        List<string> names = [];
        for (int i = 0; i < operands.Length; i++)
        {
            string name = $"x{i}";
            switch (operands[i])
            {
                case GraphInput input:
                    inputs.Add(input with { Name = name });
                    break;
                case TensorShape shape:
                    inputs.Add(new GraphInput(name, ElementType.Float32, shape));
                    break;
                case long[] data:
                    constants.Add(Constant.OfIntegers(name, [data.Length], data));
                    break;
                case float[] data:
                    constants.Add(Constant.OfFloats(name, [data.Length], data));
                    break;
                default:
                    name = "";
                    break;
            }

            names.Add(name);
        }

        ImmutableArray<string> made = [.. Enumerable.Range(0, outputs).Select(i => $"y{i}")];
        return new HostGraph
        {
            Inputs = [.. inputs],
            Constants = [.. constants],
            Nodes = [new Node("node", op, domain, [.. names], made, attributes ?? NodeAttributes.None)],
            Outputs = made,
        };
    }

    public static HostPreset Preset(string spec) => HostPresets.Create(
        spec, spec.StartsWith("char", StringComparison.Ordinal) ? new TextInput(65, 128) : new ImageInput(3, 32, 32, 10));
}

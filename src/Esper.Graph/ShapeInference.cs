using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>Works out the element type and shape of every value of a graph.</summary>
public static class ShapeInference
{
    /// <summary>Infers all types.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="inputShapes">Shapes that replace those of the graph's inputs, by name; null for none.</param>
    /// <exception cref="GraphException">A node's inputs do not fit; the message names node, operator and the shapes.</exception>
    public static GraphShapes Infer(HostGraph graph, IReadOnlyDictionary<string, TensorShape>? inputShapes = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Dictionary<string, TensorType> types = new(StringComparer.Ordinal);
        foreach (string name in inputShapes?.Keys.Where(name => graph.FindInput(name) is null) ?? [])
        {
            throw new GraphException(
                $"the graph has no input '{name}'. {Suggestion.Phrase(name, graph.Inputs.Select(i => i.Name))}");
        }

        foreach (GraphInput input in graph.Inputs)
        {
            TensorShape shape = inputShapes?.GetValueOrDefault(input.Name) ?? input.Shape;
            types[input.Name] = new TensorType(input.ElementType, shape);
        }

        foreach (Parameter parameter in graph.Parameters)
        {
            types[parameter.Name] = new TensorType(ElementType.Float32, parameter.Shape);
        }

        foreach (Constant constant in graph.Constants)
        {
            types[constant.Name] = new TensorType(constant.ElementType, constant.Shape);
        }

        KnownValues known = new(types, graph.FindConstant, graph.ProducerOf);
        foreach (Node node in graph.Nodes)
        {
            InferNode(node, types, graph.FindConstant, known.Of);
        }

        return new GraphShapes(types);
    }

    /// <summary>Adds the types of a node's outputs to <paramref name="types"/>.</summary>
    internal static void InferNode(
        Node node, Dictionary<string, TensorType> types, Func<string, Constant?> constants, Func<string, KnownTensor?> known)
    {
        OperatorSchema schema = SchemaOf(node);
        ImmutableArray<TensorType> outputs = Apply(node, () => schema.Shape(ContextOf(node, types, constants, known)));
        if (node.Outputs.Length > outputs.Length)
        {
            throw new GraphException($"{node.Place}: it has {node.Outputs.Length} outputs, {outputs.Length} at most are allowed");
        }

        for (int i = 0; i < node.Outputs.Length; i++)
        {
            if (node.Outputs[i].Length > 0)
            {
                types[node.Outputs[i]] = outputs[i];
            }
        }
    }

    internal static OperatorSchema SchemaOf(Node node) =>
        OperatorCatalog.Find(node.Domain, node.Op)
        ?? throw new GraphException($"{node.Place}: {OperatorCatalog.Unknown(node)}");

    internal static RuleContext ContextOf(
        Node node,
        IReadOnlyDictionary<string, TensorType> types,
        Func<string, Constant?> constants,
        Func<string, KnownTensor?> known)
    {
        ImmutableArray<TensorType?> inputs =
        [
            .. node.Inputs.Select(name => name.Length == 0
                ? null
                : types.TryGetValue(name, out TensorType? type)
                    ? type
                    : throw new GraphException($"{node.Place}: input '{name}' is not made before it is used")),
        ];
        return new RuleContext(node, inputs, constants, known);
    }

    // Extents whose product leaves 64 bits and attributes of the wrong kind surface here with the node's name.
    private static ImmutableArray<TensorType> Apply(Node node, Func<ImmutableArray<TensorType>> rule)
    {
        try
        {
            ImmutableArray<TensorType> outputs = rule();
            foreach (TensorType output in outputs)
            {
                _ = output.Shape.ElementsPerExample;
            }

            return outputs;
        }
        catch (OverflowException e)
        {
            throw new GraphException($"{node.Place}: the number of elements exceeds 64 bits", e);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new GraphException($"{node.Place}: an extent of its result would be negative", e);
        }
        catch (InvalidOperationException e)
        {
            throw new GraphException($"{node.Place}: {e.Message}", e);
        }
    }
}

using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>Something wrong with a graph.</summary>
/// <param name="Place">Node, value or part of the graph: <c>node 'block2.add' (Add)</c>.</param>
/// <param name="Message">What is wrong with it.</param>
public sealed record GraphProblem(string Place, string Message)
{
    /// <summary>Place and message.</summary>
    public override string ToString() => $"{Place}: {Message}";
}

/// <summary>
/// Checks a graph: unique names; known operators, attributes and arity; every value made before it is used, no cycle; shapes that
/// fit; outputs, loss, logits and labels that exist and have the right types; buffers where statistics are updated.
/// </summary>
public static class GraphValidator
{
    /// <summary>All problems, in graph order; none for a valid graph. Shapes are checked once everything else is right.</summary>
    public static ImmutableArray<GraphProblem> Check(HostGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        List<GraphProblem> problems = [.. CheckNames(graph), .. graph.Nodes.SelectMany(CheckNode)];
        problems.AddRange(CheckOrder(graph));
        problems.AddRange(CheckBuffers(graph));
        problems.AddRange(CheckEnds(graph));
        if (problems.Count == 0)
        {
            problems.AddRange(CheckTypes(graph));
        }

        return [.. problems];
    }

    /// <summary>Returns the graph if it is valid.</summary>
    /// <exception cref="GraphException">It is not; the message lists all problems.</exception>
    public static HostGraph Validate(HostGraph graph)
    {
        ImmutableArray<GraphProblem> problems = Check(graph);
        return problems.Length switch
        {
            0 => graph,
            1 => throw new GraphException(problems[0].ToString()),
            _ => throw new GraphException(
                $"the graph has {problems.Length} problems:\n" + string.Join('\n', problems.Select(p => "  " + p))),
        };
    }

    private static IEnumerable<GraphProblem> CheckNames(HostGraph graph)
    {
        HashSet<string> values = new(StringComparer.Ordinal);
        IEnumerable<string> fixedValues =
            graph.Inputs.Select(i => i.Name).Concat(graph.Parameters.Select(p => p.Name)).Concat(graph.Constants.Select(c => c.Name));
        foreach (string name in fixedValues)
        {
            if (name.Length == 0)
            {
                yield return new GraphProblem("graph", "an input, parameter or constant has no name");
            }
            else if (!values.Add(name))
            {
                yield return new GraphProblem($"value '{name}'", "the name is used for more than one value");
            }
        }

        foreach (Parameter parameter in graph.Parameters.Where(p => p.Shape.IsDynamic))
        {
            yield return new GraphProblem($"parameter '{parameter.Name}'", $"its shape {parameter.Shape} must be fixed");
        }

        HashSet<string> nodes = new(StringComparer.Ordinal);
        foreach (Node node in graph.Nodes)
        {
            if (node.Name.Length == 0 || !nodes.Add(node.Name))
            {
                yield return new GraphProblem(
                    node.Place, node.Name.Length == 0 ? "the node has no name" : "another node has the same name");
            }

            foreach (string output in node.Outputs.Where(o => o.Length > 0 && !values.Add(o)))
            {
                yield return new GraphProblem(node.Place, $"its output '{output}' is the name of another value");
            }
        }
    }

    private static IEnumerable<GraphProblem> CheckNode(Node node)
    {
        if (OperatorCatalog.Find(node.Domain, node.Op) is not { } schema)
        {
            yield return new GraphProblem(node.Place, OperatorCatalog.Unknown(node));
            yield break;
        }

        if (Arity("input", node.Inputs, schema.MinimumInputs, schema.MaximumInputs) is { } inputs)
        {
            yield return new GraphProblem(node.Place, inputs);
        }

        if (Arity("output", node.Outputs, 1, schema.MaximumOutputs) is { } outputs)
        {
            yield return new GraphProblem(node.Place, outputs);
        }

        foreach (string name in schema.Required.Where(name => node.Attributes.Find(name) is null))
        {
            yield return new GraphProblem(node.Place, $"attribute '{name}' is missing");
        }

        foreach ((string name, AttributeValue value) in node.Attributes)
        {
            if (!schema.Attributes.TryGetValue(name, out AttributeKind kind))
            {
                yield return new GraphProblem(
                    node.Place, $"unknown attribute '{name}'. {Suggestion.Phrase(name, schema.Attributes.Keys)}");
            }
            else if (value.Kind != kind)
            {
                yield return new GraphProblem(node.Place, $"attribute '{name}' is of kind {value.Kind}, not {kind}");
            }
        }
    }

    private static string? Arity(string what, ImmutableArray<string> names, int minimum, int maximum)
    {
        string allowed = maximum == int.MaxValue ? $"{minimum} or more"
            : minimum == maximum ? $"{minimum}" : $"{minimum} to {maximum}";
        if (names.Length < minimum || names.Length > maximum)
        {
            return $"it has {names.Length} {what}s, {allowed} are allowed";
        }

        int omitted = names.IndexOf("");
        return omitted >= 0 && omitted < minimum ? $"{what} {omitted} must not be left out" : null;
    }

    private static IEnumerable<GraphProblem> CheckOrder(HostGraph graph)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        known.UnionWith(graph.Inputs.Select(i => i.Name));
        known.UnionWith(graph.Parameters.Select(p => p.Name));
        known.UnionWith(graph.Constants.Select(c => c.Name));
        ImmutableArray<string> cycle = GraphCycles.Find(graph);
        if (!cycle.IsEmpty)
        {
            yield return new GraphProblem("graph", $"nodes form a cycle: {string.Join(" -> ", cycle)}");
        }

        foreach (Node node in graph.Nodes)
        {
            foreach (string input in node.Inputs.Where(i => i.Length > 0 && !known.Contains(i)).Distinct(StringComparer.Ordinal))
            {
                if (graph.ProducerOf(input) is not { } producer)
                {
                    yield return new GraphProblem(node.Place, $"nothing makes its input '{input}'");
                }
                else if (cycle.IsEmpty)
                {
                    yield return new GraphProblem(
                        node.Place, $"its input '{input}' is used before '{producer.Name}' makes it");
                }
            }

            known.UnionWith(node.Outputs);
        }
    }

    private static IEnumerable<GraphProblem> CheckBuffers(HostGraph graph) =>
        from node in graph.Nodes
        where node is { Op: "BatchNormalization", Domain: "", Inputs.Length: 5 }
        from input in node.Inputs.Skip(3)
        where graph.FindParameter(input) is not { Trained: false } && graph.FindConstant(input) is null
        select new GraphProblem(node.Place, $"its running statistic '{input}' must be a parameter that is not trained, or a constant");

    private static IEnumerable<GraphProblem> CheckEnds(HostGraph graph)
    {
        if (graph.Outputs.IsEmpty && graph.Loss is null)
        {
            yield return new GraphProblem("graph", "it has neither an output nor a loss");
        }

        foreach (string output in graph.Outputs.Where(o => !Exists(graph, o)))
        {
            yield return new GraphProblem($"output '{output}'", "the graph has no such value");
        }

        foreach ((string what, string? name) in new[] { ("loss", graph.Loss), ("logits", graph.Logits) })
        {
            if (name is not null && !Exists(graph, name))
            {
                yield return new GraphProblem($"{what} '{name}'", "the graph has no such value");
            }
        }

        if (graph.Labels is { } labels && graph.FindInput(labels) is null)
        {
            yield return new GraphProblem($"labels '{labels}'", "the graph has no such input");
        }
    }

    private static bool Exists(HostGraph graph, string value) =>
        graph.ProducerOf(value) is not null || graph.FindInput(value) is not null || graph.FindParameter(value) is not null
        || graph.FindConstant(value) is not null;

    private static List<GraphProblem> CheckTypes(HostGraph graph)
    {
        GraphShapes shapes;
        try
        {
            shapes = ShapeInference.Infer(graph);
        }
        catch (GraphException e)
        {
            // The message starts with the node's place already.
            string[] parts = e.Message.Split(": ", 2);
            return [parts.Length == 2 ? new GraphProblem(parts[0], parts[1]) : new GraphProblem("graph", e.Message)];
        }

        List<GraphProblem> problems = [];
        if (graph.Loss is { } loss && shapes[loss] is var lossType
            && (lossType.Shape.Rank != 0 || lossType.ElementType != ElementType.Float32))
        {
            problems.Add(new GraphProblem($"loss '{loss}'", $"it is {lossType}, a Float32 scalar [] is needed"));
        }

        if (graph.Labels is { } labels && shapes[labels].ElementType != ElementType.Int64)
        {
            problems.Add(new GraphProblem($"labels '{labels}'", $"they are {shapes[labels]}, an Int64 tensor is needed"));
        }

        if (graph.Logits is { } logits && shapes[logits] is var scores
            && (scores.Shape.Rank < 2 || scores.ElementType != ElementType.Float32))
        {
            problems.Add(new GraphProblem($"logits '{logits}'", $"they are {scores}, Float32 [N, K, ...] is needed"));
        }

        return problems;
    }
}

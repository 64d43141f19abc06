namespace Esper.Graph.Onnx;

/// <summary>Puts the bodies of a model's functions in the place of the nodes that call them.</summary>
internal sealed class FunctionInliner
{
    // A small file of functions that call each other twice could unfold without end.
    private const int MostNodes = 200_000;
    private const int Deepest = 64;

    private readonly Dictionary<(string Domain, string Name), OnnxFunction> _functions = [];
    private readonly List<OnnxNode> _nodes = [];
    private int _calls;

    private FunctionInliner(OnnxModel model)
    {
        foreach (OnnxFunction function in model.Functions)
        {
            _functions.TryAdd((function.Domain, function.Name), function);
        }
    }

    /// <summary>The model's graph without calls of its functions.</summary>
    /// <exception cref="OnnxImportException">A function calls itself, or unfolds to too many nodes.</exception>
    public static OnnxGraph Inline(OnnxModel model)
    {
        if (model.Functions.IsEmpty)
        {
            return model.Graph;
        }

        FunctionInliner inliner = new(model);
        foreach (OnnxNode node in model.Graph.Nodes)
        {
            inliner.Add(node, 0);
        }

        return model.Graph with { Nodes = [.. inliner._nodes] };
    }

    private void Add(OnnxNode node, int depth)
    {
        if (!_functions.TryGetValue((node.Domain, node.Op), out OnnxFunction? function))
        {
            if (_nodes.Count == MostNodes)
            {
                throw Fail(node, $"the functions of the model unfold to more than {MostNodes} nodes");
            }

            _nodes.Add(node);
            return;
        }

        if (depth == Deepest)
        {
            throw Fail(node, $"functions call each other deeper than {Deepest}: one calls itself");
        }

        if (node.Inputs.Length > function.Inputs.Length || node.Outputs.Length > function.Outputs.Length)
        {
            throw Fail(node, $"the function has {function.Inputs.Length} inputs and {function.Outputs.Length} outputs, the call has more");
        }

        // Calls are counted too: functions of nothing but calls unfold to no node, and yet without end.
        if (++_calls > MostNodes)
        {
            throw Fail(node, $"the functions of the model call each other more than {MostNodes} times");
        }

        string prefix = $"{(node.Name.Length > 0 ? node.Name : node.Op)}#{_calls}/";
        Dictionary<string, string> names = new(StringComparer.Ordinal) { [""] = "" };
        for (int i = 0; i < function.Inputs.Length; i++)
        {
            names[function.Inputs[i]] = i < node.Inputs.Length ? node.Inputs[i] : "";
        }

        for (int i = 0; i < node.Outputs.Length; i++)
        {
            // An input that is handed out as it is keeps its name; an Identity gives it the caller's.
            if (names.TryGetValue(function.Outputs[i], out string? same) && node.Outputs[i].Length > 0)
            {
                _nodes.Add(new OnnxNode { Name = prefix + "output", Op = "Identity", Inputs = [same], Outputs = [node.Outputs[i]] });
            }
            else if (node.Outputs[i].Length > 0)
            {
                names[function.Outputs[i]] = node.Outputs[i];
            }
        }

        Dictionary<string, OnnxAttribute> given = new(StringComparer.Ordinal);
        foreach (OnnxAttribute attribute in function.Defaults.Concat(node.Attributes))
        {
            given[attribute.Name] = attribute;
        }

        foreach (OnnxNode inner in function.Nodes)
        {
            Add(Renamed(inner, prefix, names, given), depth + 1);
        }
    }

    private static OnnxNode Renamed(
        OnnxNode node, string prefix, Dictionary<string, string> names, Dictionary<string, OnnxAttribute> given)
    {
        string Name(string value)
        {
            if (!names.TryGetValue(value, out string? renamed))
            {
                names[value] = renamed = prefix + value;
            }

            return renamed;
        }

        return node with
        {
            Name = prefix + OnnxImporter.NameOf(node),
            Inputs = [.. node.Inputs.Select(Name)],
            Outputs = [.. node.Outputs.Select(Name)],
            Attributes = [.. node.Attributes.Select(attribute => Resolved(attribute, Name, given)).OfType<OnnxAttribute>()],
        };
    }

    // An attribute that refers to one the call leaves out is left out itself.
    private static OnnxAttribute? Resolved(OnnxAttribute attribute, Func<string, string> name, Dictionary<string, OnnxAttribute> given) =>
        attribute.Reference.Length > 0
            ? given.TryGetValue(attribute.Reference, out OnnxAttribute? value) ? value with { Name = attribute.Name } : null
            : attribute.Graph is { } graph ? attribute with { Graph = Renamed(graph, name, given) } : attribute;

    private static OnnxGraph Renamed(OnnxGraph graph, Func<string, string> name, Dictionary<string, OnnxAttribute> given) => graph with
    {
        Inputs = [.. graph.Inputs.Select(value => value with { Name = name(value.Name) })],
        Outputs = [.. graph.Outputs.Select(value => value with { Name = name(value.Name) })],
        Initializers = [.. graph.Initializers.Select(tensor => tensor with { Name = name(tensor.Name) })],
        Nodes =
        [
            .. graph.Nodes.Select(node => node with
            {
                Inputs = [.. node.Inputs.Select(name)],
                Outputs = [.. node.Outputs.Select(name)],
                Attributes = [.. node.Attributes.Select(attribute => Resolved(attribute, name, given)).OfType<OnnxAttribute>()],
            }),
        ],
    };

    private static OnnxImportException Fail(OnnxNode node, string what) =>
        new([new ImportProblem(OnnxImporter.NameOf(node), OnnxImporter.Qualified(node), what)]);
}

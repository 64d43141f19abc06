using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>
/// Makes host graphs of ONNX models. Real tensors become parameters where a gradient reaches them; what is computed from shapes and constants
/// alone is computed here; extents may be fixed or multiples of the batch size. Halves are computed as Float32, narrow integers as Int64.
/// </summary>
public static class OnnxImporter
{
    /// <summary>The oldest version of ONNX's operators that is read: before it axes and bounds were attributes.</summary>
    public const long OldestOpset = 13;

    /// <summary>The newest version of ONNX's operators whose changes are known here.</summary>
    public const long NewestOpset = 24;

    /// <summary>Reads a file and makes a host graph of it.</summary>
    /// <exception cref="OnnxFormatException">It cannot be read, or is no ONNX model.</exception>
    /// <exception cref="OnnxImportException">It is a model that no host computes; every node at fault is named.</exception>
    public static ImportedHost Import(string path, ImportOptions? options = null) => Import(OnnxFile.Read(path), options);

    /// <summary>Makes a host graph of a file.</summary>
    /// <exception cref="OnnxFormatException">A tensor's content cannot be read.</exception>
    /// <exception cref="OnnxImportException">It is a model that no host computes; every node at fault is named.</exception>
    public static ImportedHost Import(OnnxFile file, ImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Import(file.Model, file, options ?? new ImportOptions());
    }

    /// <summary>Makes a host graph of a model in memory, which must have all contents with it.</summary>
    /// <exception cref="OnnxFormatException">A tensor's content cannot be read.</exception>
    /// <exception cref="OnnxImportException">It is a model that no host computes; every node at fault is named.</exception>
    public static ImportedHost Import(OnnxModel model, ImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Import(model, null, options ?? new ImportOptions());
    }

    private static ImportedHost Import(OnnxModel model, OnnxFile? file, ImportOptions options)
    {
        long opset = OpsetOf(model);
        OnnxGraph graph = FunctionInliner.Inline(model);
        List<ImportProblem> problems = [];
        ImmutableArray<OnnxNode> nodes = NodeOrder.Sort(graph, problems);
        HashSet<string> read = Read(graph);
        ImportContext context = new(file, options, read.Contains) { Opset = opset };
        ImportInputs.Declare(graph, context, problems);
        Dictionary<string, int> operators = new(StringComparer.Ordinal);
        foreach (OnnxNode node in nodes)
        {
            string op = Qualified(node);
            operators[op] = operators.GetValueOrDefault(op) + 1;
            ImportNode(node, context, problems);
        }

        if (problems.Count == 0)
        {
            GraphAssembly assembly = new(context, graph);
            if (assembly.Build(problems) is { } host)
            {
                return new ImportedHost
                {
                    Graph = host,
                    Operators = operators.ToImmutableSortedDictionary(StringComparer.Ordinal),
                    Opset = opset,
                    Untrained = assembly.Untrained,
                    Producer = string.Join(' ', new[] { model.ProducerName, model.ProducerVersion }.Where(part => part.Length > 0)),
                    Metadata = model.Metadata,
                };
            }
        }

        throw new OnnxImportException([.. problems]);
    }

    /// <summary>Operator with its domain, as problems and tables name it.</summary>
    internal static string Qualified(OnnxNode node) => node.Domain.Length == 0 ? node.Op : $"{node.Domain}.{node.Op}";

    /// <summary>Imports a node, or notes what is wrong with it; what reads a faulty node is passed over in silence.</summary>
    internal static void ImportNode(OnnxNode node, ImportContext context, List<ImportProblem> problems)
    {
        bool faulty = node.Inputs.Any(context.IsFaulty);
        if (!faulty)
        {
            try
            {
                Lowering.Lower(node, context, problems);
                return;
            }
            catch (Exception e) when (e is ImportFailure or GraphException or OnnxFormatException or OverflowException)
            {
                problems.Add(new ImportProblem(NameOf(node), Qualified(node), WithoutPlace(e.Message)));
            }
        }

        foreach (string output in node.Outputs.Where(output => !context.IsBound(output)))
        {
            context.Bind(output, null);
        }
    }

    /// <summary>What a node is called: by its name, or else by what it makes.</summary>
    internal static string NameOf(OnnxNode node) =>
        node.Name.Length > 0 ? node.Name : node.Outputs.FirstOrDefault(output => output.Length > 0, "");

    // Rules of host graphs name the node themselves.
    private static string WithoutPlace(string message)
    {
        int end = message.StartsWith("node '", StringComparison.Ordinal) ? message.IndexOf("): ", StringComparison.Ordinal) : -1;
        return end < 0 ? message : message[(end + 3)..];
    }

    private static long OpsetOf(OnnxModel model)
    {
        if (!model.Opsets.TryGetValue("", out long opset))
        {
            throw new OnnxImportException([new ImportProblem("", "", "the model does not say which version of ONNX's operators it means (opset_import)")]);
        }

        return opset is >= OldestOpset and <= NewestOpset
            ? opset
            : throw new OnnxImportException(
            [
                new ImportProblem("", "", $"the model means version {opset} of ONNX's operators; versions {OldestOpset} to {NewestOpset} are read. "
                    + "Export it again with one of them, or convert it with onnx.version_converter"),
            ]);
    }

    private static HashSet<string> Read(OnnxGraph graph)
    {
        HashSet<string> read = new(graph.Outputs.Select(output => output.Name), StringComparer.Ordinal);
        Stack<OnnxGraph> open = new([graph]);
        while (open.TryPop(out OnnxGraph? next))
        {
            foreach (OnnxNode node in next.Nodes)
            {
                read.UnionWith(node.Inputs);
                foreach (OnnxGraph inner in node.Attributes.Select(attribute => attribute.Graph).OfType<OnnxGraph>())
                {
                    read.UnionWith(inner.Outputs.Select(output => output.Name));
                    open.Push(inner);
                }
            }
        }

        return read;
    }
}

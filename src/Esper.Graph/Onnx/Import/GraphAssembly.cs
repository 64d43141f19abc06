using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Makes the host graph of what was imported: outputs, what they depend on, and which tensors are trained.</summary>
internal sealed class GraphAssembly(ImportContext context, OnnxGraph file)
{
    // Real inputs through which no gradient flows, by operator.
    private static readonly FrozenSet<(string Op, int Input)> Closed = FrozenSet.ToFrozenSet<(string, int)>(
    [
        ("BatchNormalization", 3), ("BatchNormalization", 4), ("Clip", 1), ("Clip", 2), ("Dropout", 1), ("Pad", 2), ("Resize", 1), ("Resize", 2),
        ("OneHot", 2),
    ]);

    // Operators through which no gradient flows: their result is a truth value, a whole number or piecewise constant.
    private static readonly FrozenSet<string> Opaque = FrozenSet.ToFrozenSet(
    [
        "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Xor", "ArgMax", "ArgMin", "Shape", "Size", "Sign", "Floor", "Ceil",
        "Round", "IsNaN", "IsInf", "ConstantOfShape", "EyeLike", "Range", "Hardmax",
    ]);

    // Operators and inputs that are weights, biases or norms whatever their size.
    private static readonly FrozenDictionary<(string Op, int Input), ParameterRole> Roles = new Dictionary<(string, int), ParameterRole>
    {
        [("Conv", 1)] = ParameterRole.Weight,
        [("Conv", 2)] = ParameterRole.Bias,
        [("ConvTranspose", 1)] = ParameterRole.Weight,
        [("ConvTranspose", 2)] = ParameterRole.Bias,
        [("Gemm", 1)] = ParameterRole.Weight,
        [("Gemm", 2)] = ParameterRole.Bias,
        [("MatMul", 1)] = ParameterRole.Weight,
        [("Gather", 0)] = ParameterRole.Embedding,
        [("BatchNormalization", 1)] = ParameterRole.Norm,
        [("BatchNormalization", 2)] = ParameterRole.Norm,
        [("LayerNormalization", 1)] = ParameterRole.Norm,
        [("LayerNormalization", 2)] = ParameterRole.Norm,
        [("InstanceNormalization", 1)] = ParameterRole.Norm,
        [("InstanceNormalization", 2)] = ParameterRole.Norm,
        [("GroupNormalization", 1)] = ParameterRole.Norm,
        [("GroupNormalization", 2)] = ParameterRole.Norm,
        [("RMSNormalization", 1)] = ParameterRole.Norm,
        [("PRelu", 1)] = ParameterRole.Norm,
    }.ToFrozenDictionary();

    private readonly List<UntrainedTensor> _untrained = [];

    /// <summary>Real tensors that are not trained, with the reason.</summary>
    public ImmutableArray<UntrainedTensor> Untrained => [.. _untrained];

    /// <summary>The graph; null where an output is at fault.</summary>
    public HostGraph? Build(List<ImportProblem> problems)
    {
        ImmutableArray<string> outputs = Outputs(problems);
        if (problems.Count > 0)
        {
            return null;
        }

        List<Node> nodes = Needed(context.Nodes, outputs);
        Dictionary<string, ParameterRole?> trained = Trained(nodes, outputs);
        HashSet<string> statistics = Statistics(nodes);
        HashSet<string> read = [.. nodes.SelectMany(node => node.Inputs), .. outputs];
        List<Parameter> parameters = [];
        List<Constant> constants = [.. context.Constants.Values.Where(constant => read.Contains(constant.Name))];
        foreach (ImportedValue tensor in context.Tensors.Values.Where(tensor => read.Contains(tensor.Name)))
        {
            string? reason = Reason(tensor, trained, statistics);
            if (reason is null || (statistics.Contains(tensor.Name) && context.Options.Live))
            {
                TensorData data = new(Numbers(tensor));
                parameters.Add(new Parameter(
                    tensor.Name,
                    tensor.Type.Shape,
                    Initializer.Given(data),
                    statistics.Contains(tensor.Name) ? ParameterRole.Statistic : trained[tensor.Name] ?? RoleByShape(tensor.Type.Shape),
                    reason is null));
            }
            else
            {
                constants.Add(context.Content(tensor));
                _untrained.Add(new UntrainedTensor(tensor.Name, tensor.Type.Shape.ElementsPerExample, reason));
            }
        }

        AddDoubles(constants);
        HostGraph graph = new()
        {
            Inputs = [.. context.Inputs],
            Parameters = [.. parameters],
            Constants = [.. constants],
            Nodes = [.. nodes],
            Outputs = outputs,
        };
        problems.AddRange(GraphValidator.Check(graph).Select(problem => new ImportProblem("", "", problem.ToString())));
        return problems.Count == 0 ? graph : null;
    }

    // Outputs keep the file's names.
    private ImmutableArray<string> Outputs(List<ImportProblem> problems)
    {
        ImmutableArray<string>.Builder outputs = ImmutableArray.CreateBuilder<string>(file.Outputs.Length);
        foreach (string name in file.Outputs.Select(output => output.Name))
        {
            try
            {
                outputs.Add(context.Output(name));
            }
            catch (Exception e) when (e is ImportFailure or GraphException or OnnxFormatException)
            {
                problems.Add(new ImportProblem(name, "", $"an output of the model: {e.Message}"));
            }
        }

        if (file.Outputs.IsEmpty)
        {
            problems.Add(new ImportProblem("", "", "the model has no outputs"));
        }

        return outputs.ToImmutable();
    }

    private static List<Node> Needed(IReadOnlyList<Node> nodes, ImmutableArray<string> outputs)
    {
        HashSet<string> needed = [.. outputs];
        HashSet<Node> kept = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in Enumerable.Reverse(nodes).Where(node => node.Outputs.Any(needed.Contains)))
        {
            kept.Add(node);
            needed.UnionWith(node.Inputs);
        }

        return [.. nodes.Where(kept.Contains)];
    }

    // The tensors that a gradient of an output reaches, with the role that their first reader gives them.
    private Dictionary<string, ParameterRole?> Trained(List<Node> nodes, ImmutableArray<string> outputs)
    {
        Dictionary<string, ParameterRole?> reached = new(StringComparer.Ordinal);
        HashSet<string> open = [.. outputs.Where(IsReal)];
        foreach (Node node in Enumerable.Reverse(nodes).Where(node => !Opaque.Contains(node.Op) && node.Outputs.Any(open.Contains)))
        {
            for (int i = 0; i < node.Inputs.Length; i++)
            {
                string input = node.Inputs[i];
                if (input.Length > 0 && IsReal(input) && !Closed.Contains((node.Op, i)))
                {
                    open.Add(input);
                    if (context.Tensors.ContainsKey(input))
                    {
                        reached[input] = Roles.TryGetValue((node.Op, i), out ParameterRole role) ? role
                            : reached.GetValueOrDefault(input) ?? (node.Op is "Add" or "Sub" && context.Types[input].Shape.Rank == 1 ? ParameterRole.Bias : null);
                    }
                }
            }
        }

        return reached;
    }

    private bool IsReal(string value) => context.Types[value].ElementType is ElementType.Float32 or ElementType.Float64;

    private static HashSet<string> Statistics(List<Node> nodes) =>
        [.. nodes.Where(node => node.Op == "BatchNormalization").SelectMany(node => node.Inputs.Skip(3))];

    private string? Reason(ImportedValue tensor, Dictionary<string, ParameterRole?> trained, HashSet<string> statistics)
    {
        if (!trained.TryGetValue(tensor.Name, out ParameterRole? role))
        {
            return statistics.Contains(tensor.Name) ? "statistic of a normalisation" : "no gradient of an output reaches it";
        }

        // Scalars in arithmetic are parts of formulas, such as the root of a width, that some exporters keep as tensors.
        return context.Options.Frozen.Any(pattern => Glob.Matches(pattern, tensor.Name)) ? "frozen by request"
            : role is null && tensor.Type.Shape.ElementsPerExample == 1 ? "a single number in arithmetic"
            : statistics.Contains(tensor.Name) ? "statistic of a normalisation"
            : null;
    }

    private float[] Numbers(ImportedValue tensor) => context.Numbers(tensor.Tensor!);

    private void AddDoubles(List<Constant> constants)
    {
        foreach (Constant constant in constants.Where(c => c.ElementType == ElementType.Float64 && c.Shape.ElementsPerExample > 1))
        {
            _untrained.Add(new UntrainedTensor(constant.Name, constant.Shape.ElementsPerExample, "parameters are Float32"));
        }
    }

    // A matrix that nothing names is taken for a weight, a vector for a scale.
    private static ParameterRole RoleByShape(TensorShape shape) =>
        shape.Count(extent => extent.Size > 1) > 1 ? ParameterRole.Weight : ParameterRole.Norm;
}

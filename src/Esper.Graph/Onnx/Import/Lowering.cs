using System.Collections.Frozen;
using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph.Onnx;

/// <summary>Turns nodes of a file into nodes of a host: most are the same, older forms become the newest, composites become what they consist of.</summary>
internal static class Lowering
{
    private static readonly FrozenDictionary<string, Action<OnnxNode, ImportContext>> Special =
        new Dictionary<string, Action<OnnxNode, ImportContext>>
        {
            ["Constant"] = ConstantLowering.Constant,
            ["ConstantOfShape"] = ConstantLowering.ConstantOfShape,
            ["Identity"] = (node, context) => context.Bind(node.Outputs[0], context.Required(node, 0)),
            ["Cast"] = ConstantLowering.Cast,
            ["CastLike"] = ConstantLowering.CastLike,
            ["Pow"] = Power,
            ["Reshape"] = ShapeLowering.Reshape,
            ["Expand"] = ShapeLowering.Expand,
            ["Squeeze"] = ShapeLowering.Squeeze,
            ["Slice"] = ShapeLowering.Slice,
            ["Dropout"] = NormalizationLowering.Dropout,
            ["BatchNormalization"] = NormalizationLowering.Batch,
            ["GroupNormalization"] = NormalizationLowering.Group,
            ["LayerNormalization"] = FirstOutput,
            ["RMSNormalization"] = FirstOutput,
            ["MaxPool"] = FirstOutput,
            ["ReduceMean"] = AxesAttribute,
            ["ReduceMax"] = AxesAttribute,
            ["ReduceMin"] = AxesAttribute,
            ["ReduceProd"] = AxesAttribute,
            ["ReduceL1"] = AxesAttribute,
            ["ReduceL2"] = AxesAttribute,
            ["ReduceLogSum"] = AxesAttribute,
            ["ReduceLogSumExp"] = AxesAttribute,
            ["ReduceSumSquare"] = AxesAttribute,
        }.ToFrozenDictionary(StringComparer.Ordinal);

    // Attributes that say nothing to a host at this value.
    private static readonly FrozenDictionary<(string Op, string Attribute), long?> Ignored = new Dictionary<(string, string), long?>
    {
        [("MaxPool", "storage_order")] = 0,
        [("Cast", "saturate")] = null,
        [("CastLike", "saturate")] = null,
        [("Dropout", "seed")] = null,
        [("BatchNormalization", "training_mode")] = null,
        [("Resize", "antialias")] = 0,
    }.ToFrozenDictionary();

    /// <summary>Adds what a node of the file becomes.</summary>
    /// <param name="node">The node.</param>
    /// <param name="context">The host so far.</param>
    /// <param name="problems">Receives what is wrong inside of a branch.</param>
    public static void Lower(OnnxNode node, ImportContext context, List<ImportProblem> problems)
    {
        if (node.Domain.Length > 0)
        {
            throw new ImportFailure($"operators of the domain '{node.Domain}' are not supported; export with ONNX's own");
        }

        if (node.Outputs.All(output => output.Length == 0))
        {
            throw new ImportFailure("it makes nothing");
        }

        if (node.Op == "If")
        {
            BranchLowering.If(node, context, problems);
        }
        else if (Special.TryGetValue(node.Op, out Action<OnnxNode, ImportContext>? lower))
        {
            lower(node, context);
        }
        else
        {
            Same(node, context);
        }
    }

    /// <summary>The node as it is.</summary>
    public static void Same(OnnxNode node, ImportContext context) => Same(node, context, Attributes(node));

    /// <summary>The node as it is, with other attributes.</summary>
    public static void Same(OnnxNode node, ImportContext context, NodeAttributes attributes)
    {
        ImportedValue?[] inputs = [.. Enumerable.Range(0, node.Inputs.Length).Select(i => context.Optional(node, i))];
        context.Emit(node, node.Op, inputs, attributes);
    }

    /// <summary>The node's attributes as a host's node of the same operator takes them, without those named.</summary>
    public static NodeAttributes Attributes(OnnxNode node, params ReadOnlySpan<string> without)
    {
        OperatorSchema schema = OperatorCatalog.Find("", node.Op) ?? throw new ImportFailure(Unsupported(node.Op));
        NodeAttributes attributes = NodeAttributes.None;
        foreach (OnnxAttribute attribute in node.Attributes)
        {
            if (without.Contains(attribute.Name) || IsIgnored(node, attribute))
            {
                continue;
            }

            if (!schema.Attributes.TryGetValue(attribute.Name, out AttributeKind kind))
            {
                string known = schema.Attributes.Count == 0 ? "it takes none" : $"it takes {string.Join(", ", schema.Attributes.Keys)}";
                throw new ImportFailure($"its attribute '{attribute.Name}' is not supported; {known}");
            }

            attributes = attributes.With(attribute.Name, Converted(attribute, kind));
        }

        return attributes;
    }

    private static bool IsIgnored(OnnxNode node, OnnxAttribute attribute) =>
        Ignored.TryGetValue((node.Op, attribute.Name), out long? value) && (value is null || attribute.Int == value);

    private static AttributeValue Converted(OnnxAttribute attribute, AttributeKind kind) => (attribute.Kind, kind) switch
    {
        (OnnxAttributeKind.Int, AttributeKind.Int) => attribute.Int,
        (OnnxAttributeKind.Float, AttributeKind.Float) => (double)attribute.Float,
        (OnnxAttributeKind.String, AttributeKind.String) => attribute.String,
        (OnnxAttributeKind.Ints, AttributeKind.Ints) => AttributeValue.Of(attribute.Ints.AsSpan()),
        (OnnxAttributeKind.Floats, AttributeKind.Floats) => AttributeValue.Of([.. attribute.Floats.Select(value => (double)value)]),
        _ => throw new ImportFailure($"its attribute '{attribute.Name}' is of kind {attribute.Kind}, {kind} is expected"),
    };

    private static string Unsupported(string op) => op switch
    {
        "Loop" or "Scan" => "loops are not supported; export the model with the loop unrolled",
        "NonZero" or "Unique" or "Compress" or "NonMaxSuppression" => "the shape of its result depends on the data, which no host computes",
        _ when op.StartsWith("Sequence", StringComparison.Ordinal) || op.Contains("ToSequence", StringComparison.Ordinal) =>
            "sequences of tensors are not supported",
        _ when op.Contains("Quantize", StringComparison.Ordinal) || op.EndsWith("Integer", StringComparison.Ordinal) =>
            "quantised networks do not train; export the model before it is quantised",
        _ => $"the operator is not supported. {Suggestion.Phrase(op, OperatorCatalog.Names)}",
    };

    // Statistics and masks as further outputs: dropped where nothing reads them.
    private static void FirstOutput(OnnxNode node, ImportContext context)
    {
        OnnxNode one = OneOutput(node, context);
        Same(one, context, Attributes(one));
    }

    /// <summary>The node with its first output only.</summary>
    /// <exception cref="ImportFailure">Another output is read.</exception>
    public static OnnxNode OneOutput(OnnxNode node, ImportContext context)
    {
        int read = Enumerable.Range(1, Math.Max(0, node.Outputs.Length - 1)).FirstOrDefault(i => context.IsRead(node.Outputs[i]), -1);
        return read < 0
            ? node with { Outputs = [node.Outputs[0]] }
            : throw new ImportFailure($"its output {read} '{node.Outputs[read]}' is read, but a host makes the first only");
    }

    // Base and exponent may differ in type; the result has the base's.
    private static void Power(OnnxNode node, ImportContext context)
    {
        ImportedValue x = context.Required(node, 0), exponent = context.Required(node, 1);
        NodeAttributes To(ElementType type) => NodeAttributes.Of(("to", (long)type));
        bool real = exponent.Type.ElementType is ElementType.Float32 or ElementType.Float64;
        if (x.Type.ElementType == exponent.Type.ElementType)
        {
            Same(node, context);
        }
        else if (x.Type.ElementType is ElementType.Float32 or ElementType.Float64 || !real)
        {
            context.Emit(node, "Pow", [x, context.Intermediate(node, "Cast", [exponent], To(x.Type.ElementType))], NodeAttributes.None);
        }
        else
        {
            ImportedValue wide = context.Intermediate(node, "Cast", [x], To(exponent.Type.ElementType));
            ImportedValue power = context.Intermediate(node, "Pow", [wide, exponent], NodeAttributes.None);
            context.Emit(node, "Cast", [power], To(x.Type.ElementType));
        }
    }

    // Before version 18 the axes of most reductions were an attribute.
    private static void AxesAttribute(OnnxNode node, ImportContext context)
    {
        if (node.Attributes.FirstOrDefault(attribute => attribute.Name == "axes") is not { } axes)
        {
            Same(node, context);
            return;
        }

        ImportedValue list = context.Vector(node.Outputs[0] + ".axes", axes.Ints);
        context.Emit(node, node.Op, [context.Required(node, 0), list], Attributes(node, "axes"));
    }
}

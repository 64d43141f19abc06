using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph.Onnx;

/// <summary>
/// Hosts from ONNX files: a model with one input and class scores as its first output gets labels and a cross-entropy loss. Images [N, C, H, W] give
/// scores [N, K]; tokens [N, T] give scores [N, T, V]. The data decide the sizes of the input; the file's parameters are where training starts.
/// </summary>
public static class OnnxHost
{
    /// <summary>Whether a host specification names a file.</summary>
    public static bool Names(string spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Reads a model and makes it a host.</summary>
    /// <param name="path">The file.</param>
    /// <param name="input">What the data are.</param>
    /// <param name="labelSmoothing">Share of the target spread over all classes, in [0, 1).</param>
    /// <exception cref="EsperException">The file is no model, no host computes it, or it does not go with the data.</exception>
    public static HostPreset Create(string path, HostInput input, double labelSmoothing = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(input);
        OnnxFile file = OnnxFile.Read(path);
        OnnxValue entry = Entry(file, path);
        TensorShape shape = input switch
        {
            ImageInput images => TensorShape.Of(-1, images.Channels, images.Height, images.Width),
            TextInput text => TensorShape.Of(-1, text.Context),
            _ => throw new GraphException($"no host reads {input}"),
        };
        RequireFit(path, entry, input, shape);
        ImportedHost imported = OnnxImporter.Import(
            file, new ImportOptions { InputShapes = ImmutableDictionary<string, TensorShape>.Empty.Add(entry.Name, shape) });
        HostGraph graph = WithLoss(path, imported.Graph, input, labelSmoothing);
        return new HostPreset(
            path,
            graph,
            SiteSurvey.Of(graph).Defaults(),
            $"{Path.GetFileName(path)}, {imported.Graph.Nodes.Length} nodes{(imported.Producer.Length > 0 ? $", written by {imported.Producer}" : "")}.",
            input is TextInput ? HostTask.NextToken : HostTask.ImageClassification);
    }

    private static OnnxValue Entry(OnnxFile file, string path)
    {
        HashSet<string> tensors = [.. file.Model.Graph.Initializers.Select(tensor => tensor.Name)];
        OnnxValue[] inputs = [.. file.Model.Graph.Inputs.Where(input => !tensors.Contains(input.Name))];
        return inputs.Length == 1
            ? inputs[0]
            : throw new GraphException(
                $"{path}: the model has {inputs.Length} inputs ({string.Join(", ", inputs.Select(input => input.Name))}); a host that is trained has one, the images or tokens. "
                + "Export it without labels and loss");
    }

    private static void RequireFit(string path, OnnxValue entry, HostInput input, TensorShape shape)
    {
        ElementType expected = input is TextInput ? ElementType.Int64 : ElementType.Float32;
        bool fits = ElementTypes.Of(entry.ElementType) == expected
            && (entry.Shape is not { } stated
                || (stated.Length == shape.Rank && (input is not ImageInput || stated[1].Value is null || stated[1].Value == shape[1].Size)));
        if (!fits)
        {
            string found = entry.Shape is { } extents ? $"[{string.Join(", ", extents)}]" : "";
            throw new GraphException(
                $"{path}: the model reads '{entry.Name}' {OnnxElementType.Name(entry.ElementType)}{found}, the data are {input}: {expected}{shape}");
        }
    }

    private static HostGraph WithLoss(string path, HostGraph graph, HostInput input, double labelSmoothing)
    {
        GraphShapes shapes = ShapeInference.Infer(graph);
        string scores = graph.Outputs[0];
        TensorShape made = shapes[scores].Shape;
        bool text = input is TextInput;
        long classes = input switch
        {
            ImageInput images => images.Classes,
            TextInput tokens => tokens.Vocabulary,
            _ => 0,
        };
        int axis = text ? 2 : 1;
        bool fits = shapes[scores].ElementType == ElementType.Float32 && made.Rank == axis + 1 && made[0] == Dimension.Batch
            && (!text || made[1] == new Dimension(((TextInput)input).Context)) && !made[axis].IsDynamic && made[axis].Size >= classes;
        if (!fits)
        {
            string wanted = text ? $"[N, {((TextInput)input).Context}, {classes}]" : $"[N, {classes}]";
            throw new GraphException(
                $"{path}: the model's first output '{scores}' is {shapes[scores]}, class scores {wanted} (or with more classes) are needed for {input}");
        }

        string Free(string name) => shapes.ContainsKey(name) ? Free(name + "_") : name;
        List<Node> nodes = [.. graph.Nodes];
        string logits = scores;
        if (text)
        {
            // ONNX keeps classes on axis 1: [N, T, V] -> [N, V, T], labels stay [N, T].
            logits = Free("esper.logits");
            nodes.Add(new Node(logits, "Transpose", "", [scores], [logits], NodeAttributes.Of(("perm", new long[] { 0, 2, 1 }))));
        }

        string labels = Free("labels"), loss = Free("esper.loss");
        NodeAttributes attributes = labelSmoothing > 0 ? NodeAttributes.Of(("label_smoothing", labelSmoothing)) : NodeAttributes.None;
        nodes.Add(new Node(loss, "SoftmaxCrossEntropyLoss", "", [logits, labels], [loss], attributes));
        TensorShape labelShape = text ? [Dimension.Batch, made[1]] : [Dimension.Batch];
        HostGraph host = graph with
        {
            Inputs = graph.Inputs.Add(new GraphInput(labels, ElementType.Int64, labelShape)),
            Nodes = [.. nodes],
            Outputs = [logits],
            Loss = loss,
            Logits = logits,
            Labels = labels,
        };
        return GraphValidator.Validate(Pruned(host));
    }

    // Further outputs, such as auxiliary classifiers, are not trained: what only they need goes.
    private static HostGraph Pruned(HostGraph graph)
    {
        HashSet<string> needed = [graph.Loss!, .. graph.Outputs];
        HashSet<Node> kept = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes.Reverse().Where(node => node.Outputs.Any(needed.Contains)))
        {
            kept.Add(node);
            needed.UnionWith(node.Inputs);
        }

        return graph with
        {
            Nodes = [.. graph.Nodes.Where(kept.Contains)],
            Parameters = [.. graph.Parameters.Where(parameter => needed.Contains(parameter.Name))],
            Constants = [.. graph.Constants.Where(constant => needed.Contains(constant.Name))],
        };
    }
}

using Esper.Contracts;

namespace Esper.Graph.Onnx;

/// <summary>Declares what a file's graph starts from: inputs and tensors.</summary>
internal static class ImportInputs
{
    public static void Declare(OnnxGraph graph, ImportContext context, List<ImportProblem> problems)
    {
        if (graph.SparseInitializers > 0)
        {
            problems.Add(new ImportProblem("", "", $"the model has {graph.SparseInitializers} sparse initializers, which are not supported; store them dense"));
        }

        // Old files list their initializers among the inputs: those have a value.
        HashSet<string> tensors = new(StringComparer.Ordinal);
        foreach (OnnxTensor tensor in graph.Initializers)
        {
            if (tensor.Name.Length == 0 || !tensors.Add(tensor.Name))
            {
                problems.Add(new ImportProblem(tensor.Name, "", tensor.Name.Length == 0 ? "an initializer has no name" : "two initializers have this name"));
                continue;
            }

            Guard(tensor.Name, context, problems, () => context.AddTensor(tensor.Name, tensor, literal: false));
        }

        foreach (OnnxValue input in graph.Inputs.Where(input => !tensors.Contains(input.Name)))
        {
            Guard(input.Name, context, problems, () => Input(input, context));
        }

        foreach (string name in context.Options.InputShapes.Keys.Where(name => graph.Inputs.All(input => input.Name != name)))
        {
            problems.Add(new ImportProblem(
                name, "", $"a shape is given for it, but it is no input. {Suggestion.Phrase(name, graph.Inputs.Select(i => i.Name).Where(n => !tensors.Contains(n)))}"));
        }
    }

    private static void Guard(string name, ImportContext context, List<ImportProblem> problems, Action declare)
    {
        try
        {
            declare();
        }
        catch (Exception e) when (e is ImportFailure or GraphException or OnnxFormatException or OverflowException)
        {
            problems.Add(new ImportProblem(name, "", e.Message));
            context.Bind(name, null);
        }
    }

    private static void Input(OnnxValue input, ImportContext context)
    {
        if (input.Name.Length == 0 || context.IsBound(input.Name))
        {
            throw new ImportFailure("an input has no name, or the name of another input");
        }

        if (!input.IsTensor || ElementTypes.Of(input.ElementType) is not { } type)
        {
            throw new ImportFailure(input.IsTensor
                ? $"it is an input of element type {OnnxElementType.Name(input.ElementType)}, which no host computes"
                : "it is an input that is no dense tensor");
        }

        context.AddInput(input.Name, type, context.Options.InputShapes.GetValueOrDefault(input.Name) ?? Shape(input));
    }

    private static TensorShape Shape(OnnxValue input)
    {
        if (input.Shape is not { } extents)
        {
            throw new ImportFailure($"the file does not say its shape; give it: {input.Name}=N,3,224,224");
        }

        // The first axis is the batch; another axis may have the same name.
        string? batch = extents.Length > 0 && extents[0].Value is null ? extents[0].Parameter : null;
        Dimension[] shape = new Dimension[extents.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            bool isBatch = batch is not null && extents[i].Value is null && (i == 0 || (batch.Length > 0 && extents[i].Parameter == batch));
            shape[i] = isBatch ? Dimension.Batch
                : extents[i].Value is { } size and >= 0 ? new Dimension(size)
                : throw new ImportFailure(
                    $"axis {i} of its shape [{string.Join(", ", extents)}] is not fixed; only the first may be open. "
                    + $"Give its shape: {input.Name}={string.Join(',', extents.Select((e, k) => k == 0 && batch is not null ? "N" : e.ToString()))} with numbers");
        }

        return TensorShape.Create(shape);
    }
}

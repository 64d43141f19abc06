namespace Esper.Graph.Onnx;

/// <summary>If: the branch that is taken is put in its place, where that is known before the batch is.</summary>
internal static class BranchLowering
{
    public static void If(OnnxNode node, ImportContext context, List<ImportProblem> problems)
    {
        KnownTensor condition = context.Known(node, 0, "condition") ?? throw new ImportFailure("its condition is left out");
        if (!condition.IsFixed || condition.Numbers.Length != 1)
        {
            throw new ImportFailure("its condition depends on the batch size; a host needs it fixed");
        }

        string taken = condition.Numbers[0].Value != 0 ? "then_branch" : "else_branch";
        OnnxGraph branch = node.Attributes.FirstOrDefault(attribute => attribute.Name == taken)?.Graph
            ?? throw new ImportFailure($"its attribute '{taken}' is missing");
        if (branch.Outputs.Length < node.Outputs.Length)
        {
            throw new ImportFailure($"its branch '{taken}' has {branch.Outputs.Length} outputs, {node.Outputs.Length} are expected");
        }

        foreach (OnnxTensor tensor in branch.Initializers)
        {
            context.AddTensor(tensor.Name, tensor, literal: false);
        }

        foreach (OnnxNode inner in branch.Nodes)
        {
            OnnxImporter.ImportNode(inner, context, problems);
        }

        for (int i = 0; i < node.Outputs.Length; i++)
        {
            string name = branch.Outputs[i].Name;
            context.Bind(node.Outputs[i], context.IsFaulty(name) ? null : context.Value(name));
        }
    }
}

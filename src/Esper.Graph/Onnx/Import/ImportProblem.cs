namespace Esper.Graph.Onnx;

/// <summary>Something in an ONNX model that keeps it from becoming a host.</summary>
/// <param name="Node">Name of the node (or value) at fault; <c>""</c> where it is the model as a whole.</param>
/// <param name="Operator">Its operator, with domain; <c>""</c> where no node is at fault.</param>
/// <param name="Message">What was found and what is expected.</param>
public sealed record ImportProblem(string Node, string Operator, string Message)
{
    /// <summary>Such as <c>node 'conv1' (Conv): ...</c>.</summary>
    public override string ToString() =>
        Operator.Length > 0 ? $"node '{Node}' ({Operator}): {Message}" : Node.Length > 0 ? $"value '{Node}': {Message}" : Message;
}

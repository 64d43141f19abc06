namespace Esper.Graph;

/// <summary>A value that is supplied with each call.</summary>
/// <param name="Name">Name of the value, unique in the graph.</param>
/// <param name="ElementType">Element type.</param>
/// <param name="Shape">Shape; the batch axis is dynamic.</param>
public sealed record GraphInput(string Name, ElementType ElementType, TensorShape Shape);

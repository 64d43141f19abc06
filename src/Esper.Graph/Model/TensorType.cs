namespace Esper.Graph;

/// <summary>Element type and shape of a value.</summary>
/// <param name="ElementType">Element type.</param>
/// <param name="Shape">Shape.</param>
public sealed record TensorType(ElementType ElementType, TensorShape Shape)
{
    /// <summary>Such as <c>Float32[N, 16, 32, 32]</c>.</summary>
    public override string ToString() => $"{ElementType}{Shape}";
}

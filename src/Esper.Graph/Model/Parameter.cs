namespace Esper.Graph;

/// <summary>What a parameter does, so that an optimizer can treat kinds differently (no weight decay on norms, say).</summary>
public enum ParameterRole
{
    /// <summary>Matrix or filter of a linear map.</summary>
    Weight,

    /// <summary>Offset of a linear map.</summary>
    Bias,

    /// <summary>Scale or offset of a normalisation.</summary>
    Norm,

    /// <summary>Table of vectors, one a token or position.</summary>
    Embedding,

    /// <summary>Running statistic of a normalisation; never trained by gradients.</summary>
    Statistic,
}

/// <summary>A float32 tensor that lives with the graph: trained, or a buffer that nodes update in training mode.</summary>
/// <param name="Name">Name of the value, unique in the graph.</param>
/// <param name="Shape">Shape, without dynamic extents.</param>
/// <param name="Initializer">How its first content is drawn.</param>
/// <param name="Role">What it does.</param>
/// <param name="Trained">Whether gradients train it; false for buffers such as running statistics.</param>
public sealed record Parameter(
    string Name, TensorShape Shape, Initializer Initializer, ParameterRole Role, bool Trained = true)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => Shape.ElementsPerExample;
}

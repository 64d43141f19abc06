using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Name and type of a value.</summary>
public sealed record OnnxValue
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether it is a dense tensor; sequences, maps, optional and sparse values are not.</summary>
    public bool IsTensor { get; init; }

    /// <summary>Element type of a tensor, as ONNX numbers them; 0 = not stated.</summary>
    public int ElementType { get; init; }

    /// <summary>Extents of a tensor; null where even their number is not stated.</summary>
    public ImmutableArray<OnnxDimension>? Shape { get; init; }
}

/// <summary>One extent of a tensor.</summary>
/// <param name="Value">The number; null where it is not fixed.</param>
/// <param name="Parameter">Name of an extent that is not fixed; <c>""</c> where it has none.</param>
public sealed record OnnxDimension(long? Value, string Parameter = "")
{
    /// <summary>The number, the name or a question mark.</summary>
    public override string ToString() => Value?.ToString(System.Globalization.CultureInfo.InvariantCulture)
        ?? (Parameter.Length > 0 ? Parameter : "?");
}

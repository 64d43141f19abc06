using System.Collections.Immutable;

namespace Esper.Native;

/// <summary>An operator application.</summary>
/// <param name="Name">Unique, not empty.</param>
/// <param name="Op">Operator, such as "Conv".</param>
/// <param name="Domain">"" for ONNX's operators, "esper" for <c>Lattice</c>.</param>
/// <param name="Inputs">Value numbers, -1 = optional input left out.</param>
/// <param name="Outputs">Value numbers, -1 = optional output not wanted.</param>
/// <param name="Attributes">Attributes.</param>
public sealed record HostNode(
    string Name,
    string Op,
    string Domain,
    ImmutableArray<int> Inputs,
    ImmutableArray<int> Outputs,
    ImmutableArray<HostAttribute> Attributes);

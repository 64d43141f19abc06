using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>An operator application. Equal when all parts are.</summary>
/// <param name="Name">Name, unique among the nodes.</param>
/// <param name="Op">Operator, such as <c>Conv</c>.</param>
/// <param name="Domain"><c>""</c> for ONNX's operators, <see cref="OperatorCatalog.EsperDomain"/> for Esper's own.</param>
/// <param name="Inputs">Names of the values read; <c>""</c> where an optional input is left out.</param>
/// <param name="Outputs">Names of the values made; <c>""</c> where an optional output is not wanted.</param>
/// <param name="Attributes">Attributes.</param>
public sealed record Node(
    string Name,
    string Op,
    string Domain,
    ImmutableArray<string> Inputs,
    ImmutableArray<string> Outputs,
    NodeAttributes Attributes)
{
    /// <summary>Operator with its domain: <c>Conv</c>, <c>esper.Lattice</c>.</summary>
    public string QualifiedOp => Domain.Length == 0 ? Op : Domain + "." + Op;

    /// <summary>The node as error messages name it: <c>node 'block2.add' (Add)</c>.</summary>
    public string Place => $"node '{Name}' ({QualifiedOp})";

    /// <summary>Whether all parts are equal.</summary>
    public bool Equals(Node? other) =>
        other is not null && Name == other.Name && Op == other.Op && Domain == other.Domain
        && Inputs.AsSpan().SequenceEqual(other.Inputs.AsSpan())
        && Outputs.AsSpan().SequenceEqual(other.Outputs.AsSpan())
        && Attributes.Equals(other.Attributes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Op, Domain, Inputs.Length, Outputs.Length, Attributes);
}

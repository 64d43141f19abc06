using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Types of a node's outputs from those of its inputs; throws <see cref="GraphException"/> where they do not fit.</summary>
internal delegate ImmutableArray<TensorType> ShapeRule(RuleContext context);

/// <summary>Forward FLOPs of a node for a batch of one, given its outputs' types.</summary>
internal delegate long CostRule(RuleContext context, ImmutableArray<TensorType> outputs);

/// <summary>What an operator takes, what it makes and what it costs.</summary>
internal sealed record OperatorSchema(
    string Op,
    string Domain,
    int MinimumInputs,
    int MaximumInputs,
    int MaximumOutputs,
    ImmutableSortedDictionary<string, AttributeKind> Attributes,
    ImmutableArray<string> Required,
    ShapeRule Shape,
    CostRule Cost)
{
    /// <summary>Operator with its domain: <c>Conv</c>, <c>esper.Lattice</c>.</summary>
    public string Name => Domain.Length == 0 ? Op : Domain + "." + Op;
}

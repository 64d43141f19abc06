using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A module in Training that the host's gradients feel breaks the lattice's first law: it goes, and so does its arm.</summary>
/// <param name="minimum">Least cosine of the host's gradients with and without the module.</param>
public sealed class IsolationRule(double minimum) : RiskRule("isolation", SeedStage.Training, SeedStage.Blending)
{
    private const string Cosine = "cosine of host gradients with and without the module";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [Cosine];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs) => inputs.Change.Isolation is { } cosine
        ? Judge(RiskAction.Quarantine, AtLeast(Cosine, cosine, minimum))
        : Lacks(Cosine, "the isolation check was not run");
}

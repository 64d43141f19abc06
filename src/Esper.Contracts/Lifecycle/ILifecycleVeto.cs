using System.Collections.Immutable;

namespace Esper.Contracts.Lifecycle;

/// <summary>
/// Asked before a seed germinates, trains, blends, holds or becomes permanent. Removing a module needs nobody's leave.
/// </summary>
public interface ILifecycleVeto
{
    /// <summary>Judges a change. A quarantine takes effect with the verdict.</summary>
    RiskVerdict Assess(LifecycleChange change);

    /// <summary>Blueprints that are not to be tried at a site.</summary>
    ImmutableArray<string> QuarantinedAt(int site);
}

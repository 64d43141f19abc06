using Esper.Contracts.Blueprints;
using Esper.Graph;

namespace Esper.Kasmina.Lifecycle;

/// <summary>What is left of a run's budget for modules.</summary>
/// <param name="Parameters">Parameters that may still be added.</param>
/// <param name="Flops">Forward operations an example that may still be added.</param>
public readonly record struct GrowthBudget(double Parameters, double Flops);

/// <summary>What a module costs.</summary>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Flops">Its forward operations for one example.</param>
public readonly record struct ModuleCost(long Parameters, long Flops);

/// <summary>What gate G0 looks at.</summary>
/// <param name="Blueprint">The blueprint.</param>
/// <param name="Layout">Kind of the site's value.</param>
/// <param name="Channels">Channels of the chunk.</param>
/// <param name="Cost">Cost of the module.</param>
/// <param name="Left">Budget before it.</param>
/// <param name="InitialParameters">The parameters it would start with.</param>
public sealed record GerminationInput(
    Blueprint Blueprint,
    SiteLayout Layout,
    int Channels,
    ModuleCost Cost,
    GrowthBudget Left,
    ReadOnlyMemory<float> InitialParameters);

/// <summary>Means over the telemetry of one epoch.</summary>
/// <param name="Samples">Steps in which the module was measured.</param>
/// <param name="ActivationRatio">RMS of g(x) over RMS of x.</param>
/// <param name="GradientRatio">RMS gradient newborn over host; null where the site has no producer.</param>
/// <param name="Alignment">Cosine of dL/dy and g(x).</param>
/// <param name="DeadFraction">Share of hidden units that let no gradient through; null where the module has none.</param>
/// <param name="GradientRms">RMS of the gradient of the module's parameters.</param>
/// <param name="Variance">Variance of g(x) over the chunk.</param>
/// <param name="Sign">Mean sign of the alignment, which is that of dL/dalpha.</param>
public readonly record struct TelemetryMeans(
    int Samples,
    double ActivationRatio,
    double? GradientRatio,
    double Alignment,
    double? DeadFraction = null,
    double GradientRms = 0,
    double Variance = 0,
    double Sign = 0);

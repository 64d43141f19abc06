using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// What the last training step with telemetry saw of a seed: root mean squares, gradients before clipping.
/// </summary>
/// <param name="Evaluated">Whether the module took part in that step; if not, the values below are 0.</param>
/// <param name="InputRms">Of x over the chunk.</param>
/// <param name="ModuleRms">Of g(x) over the chunk.</param>
/// <param name="UpstreamRms">Of dL/dy over the chunk.</param>
/// <param name="Alignment">Cosine of dL/dy and g(x); negative = the module reduces the loss to first order.</param>
/// <param name="ParameterGradientRms">Of the gradient over the seed's module parameters.</param>
/// <param name="ParameterRms">Of the seed's module parameters.</param>
/// <param name="HostGradientRms">Of the gradient over the producer's slice of the chunk; null if the node names no producer.</param>
/// <param name="HostParameterRms">Likewise of the values.</param>
/// <param name="ModuleMean">Mean of g(x) over the chunk.</param>
/// <param name="ModuleVariance">Its variance.</param>
/// <param name="DeadFraction">
/// Share of the module's hidden units that let no gradient through in the step; null for families without hidden units.
/// </param>
public readonly record struct SeedTelemetry(
    bool Evaluated,
    double InputRms,
    double ModuleRms,
    double UpstreamRms,
    double Alignment,
    double ParameterGradientRms,
    double ParameterRms,
    double? HostGradientRms,
    double? HostParameterRms,
    double ModuleMean = 0,
    double ModuleVariance = 0,
    double? DeadFraction = null)
{
    internal static SeedTelemetry FromNative(in EsperHostSeedTelemetry t) => new(
        t.Evaluated != 0,
        t.InputRms,
        t.ModuleRms,
        t.UpstreamRms,
        t.Alignment,
        t.ParameterGradientRms,
        t.ParameterRms,
        t.HostGradientRms < 0 ? null : t.HostGradientRms,
        t.HostParameterRms < 0 ? null : t.HostParameterRms,
        t.ModuleMean,
        t.ModuleVariance,
        t.DeadFraction < 0 ? null : t.DeadFraction);
}

using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// First-order value of growing in a chunk. G = mean over examples of the sum over positions of dL/dy x^T is the
/// gradient that a linear module would see; halves A and B of the probe data are independent.
/// </summary>
/// <param name="Cross">Frobenius product of G_A and G_B, the unbiased signal; its root is the loss that a module of unit norm removes.</param>
/// <param name="SquareA">|G_A|^2.</param>
/// <param name="SquareB">|G_B|^2.</param>
/// <param name="InputSquare">Mean of x^2 over the chunk, both halves.</param>
/// <param name="Variance">Mean over channels of the variance of x.</param>
/// <param name="Redundancy">Mean |correlation| of two different channels that vary; 0 with fewer than two of them.</param>
/// <param name="Dead">Share of channels that do not vary, in [0, 1].</param>
public readonly record struct SeedProbe(double Cross, double SquareA, double SquareB, double InputSquare, double Variance, double Redundancy, double Dead)
{
    internal static SeedProbe FromNative(in EsperHostSeedProbe p) => new(p.Cross, p.SquareA, p.SquareB, p.InputSquare, p.Variance, p.Redundancy, p.Dead);
}

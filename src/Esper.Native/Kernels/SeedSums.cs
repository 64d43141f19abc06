using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// Sums that a backward pass gathers over a seed's chunk; divided by <see cref="Elements"/> they are means and mean squares.
/// </summary>
/// <param name="Evaluated">Whether the module ran in this pass; otherwise all sums are 0.</param>
/// <param name="Elements">batch x positions x channels of the chunk.</param>
/// <param name="InputSquare">Sum of x^2.</param>
/// <param name="ModuleSquare">Sum of g(x)^2.</param>
/// <param name="GradientSquare">Sum of dy^2.</param>
/// <param name="GradientModule">Sum of dy g(x).</param>
/// <param name="InputSum">Sum of x.</param>
/// <param name="ModuleSum">Sum of g(x).</param>
/// <param name="ParameterGradientSquare">
/// Sum of squares of what the pass added to the seed's part of dtheta; 0 if dtheta was not wanted.
/// </param>
/// <param name="HiddenUnits">Hidden units: the rank of bottleneck and gate, the channels of depthwise, 0 for affine and lowrank.</param>
/// <param name="HiddenDead">Those whose activation had slope 0 wherever it was evaluated in this pass.</param>
public readonly record struct SeedSums(
    bool Evaluated,
    long Elements,
    double InputSquare,
    double ModuleSquare,
    double GradientSquare,
    double GradientModule,
    double InputSum,
    double ModuleSum,
    double ParameterGradientSquare,
    long HiddenUnits,
    long HiddenDead)
{
    /// <summary>Mean of x over the chunk; null without elements.</summary>
    public double? InputMean => Mean(InputSum);

    /// <summary>Mean of g(x) over the chunk; null without elements.</summary>
    public double? ModuleMean => Mean(ModuleSum);

    /// <summary>Variance of x over the chunk, at least 0; null without elements.</summary>
    public double? InputVariance => Variance(InputSum, InputSquare);

    /// <summary>Variance of g(x) over the chunk, at least 0; null without elements.</summary>
    public double? ModuleVariance => Variance(ModuleSum, ModuleSquare);

    /// <summary>RMS of g(x) over RMS of x; null where x is 0.</summary>
    public double? ActivationRatio => InputSquare > 0 ? Math.Sqrt(ModuleSquare / InputSquare) : null;

    /// <summary>Share of the hidden units that let no gradient through; null for families without hidden units.</summary>
    public double? DeadFraction => HiddenUnits > 0 ? (double)HiddenDead / HiddenUnits : null;

    internal static SeedSums FromNative(in EsperSeedSums sums) => new(
        sums.Evaluated != 0,
        sums.Elements,
        sums.InputSquare,
        sums.ModuleSquare,
        sums.GradientSquare,
        sums.GradientModule,
        sums.InputSum,
        sums.ModuleSum,
        sums.ParameterGradientSquare,
        sums.HiddenUnits,
        sums.HiddenDead);

    private double? Mean(double sum) => Elements > 0 ? sum / Elements : null;

    // Rounding may take the difference of two equal numbers below zero.
    private double? Variance(double sum, double square) =>
        Mean(sum) is { } mean ? Math.Max(0, (square / Elements) - (mean * mean)) : null;
}

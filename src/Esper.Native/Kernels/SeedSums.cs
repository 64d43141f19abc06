namespace Esper.Native;

/// <summary>Sums that a backward pass gathers over a seed's chunk; divide by <see cref="Elements"/> for mean squares.</summary>
/// <param name="Evaluated">Whether the module ran in this pass; otherwise all sums are 0.</param>
/// <param name="Elements">batch x positions x channels of the chunk.</param>
/// <param name="InputSquare">Sum of x^2.</param>
/// <param name="ModuleSquare">Sum of g(x)^2.</param>
/// <param name="GradientSquare">Sum of dy^2.</param>
/// <param name="GradientModule">Sum of dy g(x).</param>
public readonly record struct SeedSums(
    bool Evaluated, long Elements, double InputSquare, double ModuleSquare, double GradientSquare, double GradientModule);

namespace Esper.Contracts.Control;

/// <summary>A mean with the half width of its 95 % confidence interval.</summary>
/// <param name="Mean">The estimate.</param>
/// <param name="HalfWidth">Half width of the interval.</param>
public readonly record struct Estimate(double Mean, double HalfWidth)
{
    /// <summary>Lower end of the interval.</summary>
    public double Lower => Mean - HalfWidth;

    /// <summary>Upper end of the interval.</summary>
    public double Upper => Mean + HalfWidth;
}

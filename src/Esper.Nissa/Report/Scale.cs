namespace Esper.Nissa.Report;

/// <summary>Maps values to pixels, linearly or by logarithm.</summary>
/// <param name="Low">Value at <paramref name="Start"/>.</param>
/// <param name="High">Value at <paramref name="End"/>, above <paramref name="Low"/>.</param>
/// <param name="Start">Pixel of the low end.</param>
/// <param name="End">Pixel of the high end.</param>
/// <param name="Logarithmic">By logarithm; both values are above 0.</param>
internal sealed record Scale(double Low, double High, double Start, double End, bool Logarithmic = false)
{
    /// <summary>Pixel of a value.</summary>
    public double this[double value] => Start + (Fraction(value) * (End - Start));

    private double Fraction(double value) => Logarithmic
        ? Math.Log(value / Low) / Math.Log(High / Low)
        : (value - Low) / (High - Low);
}

namespace Esper.Nissa.Report;

/// <summary>Chooses the numbers that an axis shows.</summary>
internal static class Ticks
{
    /// <summary>
    /// Multiples of 1, 2 or 5 times a power of ten that cover [low, high]: the first is at most low, the last at least
    /// high.
    /// </summary>
    /// <param name="low">Smallest value, finite.</param>
    /// <param name="high">Largest value, finite and above <paramref name="low"/>.</param>
    /// <param name="wanted">
    /// About how many intervals; the outcome has between half and two and a half times as many.
    /// </param>
    /// <param name="smallestStep">The step is at least this; 1 for axes of whole numbers.</param>
    public static double[] Covering(double low, double high, int wanted, double smallestStep = 0)
    {
        double step = Math.Max(NiceStep((high - low) / wanted), smallestStep);
        // The small offset keeps a bound that is a multiple up to rounding from adding an empty interval.
        double first = Math.Floor((low / step) + 1e-9);
        double last = Math.Ceiling((high / step) - 1e-9);
        return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => Clean((first + i) * step, step))];
    }

    /// <summary>The nice numbers within [low, high], bounds included.</summary>
    public static double[] Within(double low, double high, int wanted, double smallestStep = 0)
    {
        double slack = (high - low) * 1e-9;
        return [.. Covering(low, high, wanted, smallestStep).Where(t => t >= low - slack && t <= high + slack)];
    }

    /// <summary>
    /// Powers of ten that cover [low, high], at least two; every n-th where there would be more than ten.
    /// </summary>
    /// <param name="low">Smallest value, above 0.</param>
    /// <param name="high">Largest value.</param>
    public static double[] Decades(double low, double high)
    {
        int first = (int)Math.Floor(Math.Log10(low) + 1e-9);
        int last = Math.Max((int)Math.Ceiling(Math.Log10(high) - 1e-9), first + 1);
        int stride = 1 + ((last - first) / 10);
        int count = 1 + ((last - first + stride - 1) / stride);
        return [.. Enumerable.Range(0, count).Select(i => Math.Pow(10, first + (i * stride)))];
    }

    /// <summary>The number of {1, 2, 5} times a power of ten that is nearest to a step, by ratio.</summary>
    public static double NiceStep(double step)
    {
        double magnitude = Math.Pow(10, Math.Floor(Math.Log10(step)));
        double mantissa = step / magnitude;
        // The bounds are the geometric means of neighbours: sqrt(1 * 2), sqrt(2 * 5), sqrt(5 * 10).
        double nice = mantissa < 1.4142 ? 1 : mantissa < 3.1623 ? 2 : mantissa < 7.0711 ? 5 : 10;
        return nice * magnitude;
    }

    private static double Clean(double value, double step)
    {
        int digits = Math.Clamp(1 - (int)Math.Floor(Math.Log10(step)), 0, 15);
        return Math.Round(value, digits);
    }
}

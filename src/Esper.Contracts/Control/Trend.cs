namespace Esper.Contracts.Control;

/// <summary>Where a series is heading: the least-squares line through its last values.</summary>
/// <param name="Slope">Change an epoch, in the unit of the series.</param>
/// <param name="Noise">
/// Standard deviation of the values about the line (n - 2 degrees of freedom), in the unit of the series.
/// </param>
public readonly record struct Trend(double Slope, double Noise)
{
    /// <summary>Fewest values that a line and its noise can be estimated from.</summary>
    public const int FewestValues = 3;

    /// <summary>The trend of the last <paramref name="window"/> values.</summary>
    /// <returns>Null while the series is shorter than the window: a short history has no trend, not one of 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The window is below <see cref="FewestValues"/>.</exception>
    /// <exception cref="EsperException">A value is NaN or infinite: a measurement is missing.</exception>
    public static Trend? Of(ReadOnlySpan<double> series, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, FewestValues);
        for (int i = 0; i < series.Length; i++)
        {
            if (!double.IsFinite(series[i]))
            {
                throw new EsperException($"Value {i + 1} of a series is {series[i]}; a trend needs every measurement.");
            }
        }

        if (series.Length < window)
        {
            return null;
        }

        ReadOnlySpan<double> values = series[^window..];
        double middle = (window - 1) / 2.0, mean = 0;
        foreach (double value in values)
        {
            mean += value / window;
        }

        double cross = 0, squares = 0;
        for (int i = 0; i < window; i++)
        {
            cross += (i - middle) * (values[i] - mean);
            squares += (i - middle) * (i - middle);
        }

        double slope = cross / squares, rest = 0;
        for (int i = 0; i < window; i++)
        {
            double deviation = values[i] - mean - (slope * (i - middle));
            rest += deviation * deviation;
        }

        return new Trend(slope, Math.Sqrt(rest / (window - 2)));
    }
}

/// <summary>The trends of an epoch's figures over one window; each null while the history is shorter than the window.</summary>
/// <param name="Epochs">Length of the window.</param>
/// <param name="TrainLoss">Of the training loss, in nats.</param>
/// <param name="TrainAccuracy">Of the training accuracy.</param>
/// <param name="ValidationLoss">Of the validation loss, in nats.</param>
/// <param name="ValidationAccuracy">Of the validation accuracy.</param>
public sealed record WindowTrends(
    int Epochs, Trend? TrainLoss, Trend? TrainAccuracy, Trend? ValidationLoss, Trend? ValidationAccuracy)
{
    /// <summary>The trends at the end of a history.</summary>
    public static WindowTrends Of(ReadOnlySpan<EpochObservation> history, int window)
    {
        double[] series = new double[history.Length];
        return new WindowTrends(
            window,
            Over(history, window, series, static epoch => epoch.TrainLoss),
            Over(history, window, series, static epoch => epoch.TrainAccuracy),
            Over(history, window, series, static epoch => epoch.ValidationLoss),
            Over(history, window, series, static epoch => epoch.ValidationAccuracy));
    }

    private static Trend? Over(
        ReadOnlySpan<EpochObservation> history, int window, double[] series, Func<EpochObservation, double> figure)
    {
        for (int i = 0; i < history.Length; i++)
        {
            series[i] = figure(history[i]);
        }

        return Trend.Of(series, window);
    }
}

using System.Runtime.InteropServices;

namespace Esper.Tolaria.Training;

/// <summary>Medians of durations.</summary>
internal static class Median
{
    /// <summary>The median, the mean of the two middle values for an even count; null if there are no values.</summary>
    public static double? OfAny(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        List<double> sorted = [.. values];
        CollectionsMarshal.AsSpan(sorted).Sort();
        int middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

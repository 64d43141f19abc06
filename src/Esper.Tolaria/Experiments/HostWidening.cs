using System.Globalization;
using Esper.Contracts;

namespace Esper.Tolaria.Experiments;

/// <summary>Widens hosts uniformly: all widths by the same factor.</summary>
public static class HostWidening
{
    private const int Largest = 4096;

    /// <summary>The widening of a host whose parameters come nearest to a number of them.</summary>
    /// <param name="host">Specification of the host, such as <c>cnn3:8-16-32</c>.</param>
    /// <param name="target">Trained parameters wanted.</param>
    /// <param name="parametersOf">Trained parameters of a host.</param>
    /// <returns>Its specification; the host itself where that is nearest.</returns>
    /// <exception cref="EsperException">The host's widths are not known here.</exception>
    public static string Nearest(string host, double target, Func<string, long> parametersOf)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(parametersOf);
        (int count, Func<int, string> at) = Family(host.Trim().ToLowerInvariant());

        // Parameters rise with the number of the widening: look for the first at or above the target, then compare the two neighbours.
        (int low, int high) = (0, count - 1);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = parametersOf(at(middle)) >= target ? (low, middle) : (middle + 1, high);
        }

        string above = at(low), below = at(Math.Max(0, low - 1));
        return Math.Abs(parametersOf(below) - target) <= Math.Abs(parametersOf(above) - target) ? below : above;
    }

    /// <summary>All widenings of a host in order, the host itself first: how many, and each by its number.</summary>
    private static (int Count, Func<int, string> At) Family(string host)
    {
        string[] halves = host.Split(':', 2);
        int[]? widths = halves.Length == 2 ? [.. halves[1].Split('-').Select(Number)] : null;
        string[] wide = host.Split('-');
        return halves[0] switch
        {
            // The widest width counts up; the others keep their proportion to it.
            "cnn3" => Proportional("cnn3", widths ?? [32, 64, 128]),
            "mlp" => Proportional("mlp", widths ?? [128, 128]),
            "char-gpt" when (widths ?? [4, 128, 4]) is [int layers, int width, int heads] => (
                (Largest / heads) - (width / heads) + 1, i => $"char-gpt:{layers}-{((width / heads) + i) * heads}-{heads}"),
            _ when wide is ["wrn", string depth, string factor] && decimal.TryParse(
                factor, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal start) => (
                Largest, i => string.Create(CultureInfo.InvariantCulture, $"wrn-{depth}-{start + (i / 16m):0.####}")),
            _ => throw new EsperException($"Host '{host}' cannot be widened here; cnn3, mlp, wrn and char-gpt can."),
        };
    }

    private static (int Count, Func<int, string> At) Proportional(string name, int[] widths)
    {
        int widest = widths.Max();
        return (Largest - widest + 1, i =>
            $"{name}:{string.Join('-', widths.Select(width => (int)Math.Round(width * (double)(widest + i) / widest, MidpointRounding.AwayFromZero)))}");
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw new EsperException($"'{text}' is not a width.");
}

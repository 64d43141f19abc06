using System.Globalization;

namespace Esper.Tolaria.Training;

/// <summary>Memory that this process can still have: the machine's, within the limits of its control group.</summary>
/// <param name="root">Root of the file system to read from.</param>
internal sealed class MemoryProbe(string root = "/")
{
    private const long Kibibyte = 1024;

    /// <summary>Free and total bytes; null where the system does not tell.</summary>
    public (double Free, double Total)? Measure()
    {
        if (Machine() is not { } machine)
        {
            return null;
        }

        (double free, double total) = machine;
        if (Number("sys/fs/cgroup/memory.max") is { } limit && Number("sys/fs/cgroup/memory.current") is { } used && limit < total)
        {
            (free, total) = (Math.Min(free, Math.Max(0, limit - used)), limit);
        }

        return (free, total);
    }

    private (double Free, double Total)? Machine()
    {
        string path = Path.Combine(root, "proc/meminfo");
        if (!File.Exists(path))
        {
            return null;
        }

        string[] lines = File.ReadAllLines(path);
        return Field(lines, "MemAvailable:") is { } free && Field(lines, "MemTotal:") is { } total ? (free, total) : null;
    }

    private static double? Field(string[] lines, string name)
    {
        string? line = Array.Find(lines, line => line.StartsWith(name, StringComparison.Ordinal));
        string? number = line?[name.Length..].Replace("kB", string.Empty, StringComparison.Ordinal);
        return double.TryParse(number, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out double kibibytes)
            ? kibibytes * Kibibyte
            : null;
    }

    // The limit reads "max" where there is none.
    private double? Number(string file)
    {
        string path = Path.Combine(root, file);
        return File.Exists(path) && double.TryParse(File.ReadAllText(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out double bytes)
            ? bytes
            : null;
    }
}

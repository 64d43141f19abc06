using System.Globalization;

namespace Esper.Benchmarks;

/// <summary>The options of a benchmark's command line: <c>--name value</c>, <c>--name=value</c>, or a flag by itself.</summary>
internal sealed class CommandOptions
{
    private const int Largest = 1_000_000;
    private readonly string _usage;
    private readonly Dictionary<string, List<string>> _values = [];

    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">What stands behind the benchmark's name.</param>
    /// <param name="usage">Help that an error is followed by.</param>
    /// <param name="valued">Options that take a value.</param>
    /// <param name="flags">Options that take none.</param>
    /// <exception cref="UsageException">There is something else.</exception>
    public CommandOptions(ReadOnlySpan<string> arguments, string usage, string[] valued, params string[] flags)
    {
        _usage = usage;
        for (int i = 0; i < arguments.Length; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            string name = parts[0];
            if (arguments[i] is "--help" or "-h")
            {
                IsHelp = true;
                return;
            }

            if (flags.Contains(arguments[i]))
            {
                _values[name] = [];
                continue;
            }

            if (!valued.Contains(name))
            {
                throw new UsageException($"There is no option '{arguments[i]}'.", usage);
            }

            string? value = parts.Length == 2 ? parts[1] : ++i < arguments.Length ? arguments[i] : null;
            if (string.IsNullOrEmpty(value))
            {
                throw new UsageException($"{name} needs a value.", usage);
            }

            _values.TryAdd(name, []);
            _values[name].Add(value);
        }
    }

    /// <summary>Whether only the usage is wanted.</summary>
    public bool IsHelp { get; }

    /// <summary>Whether an option is given.</summary>
    public bool Has(string name) => _values.ContainsKey(name);

    /// <summary>All values of an option, in order.</summary>
    public IReadOnlyList<string> All(string name) => _values.TryGetValue(name, out List<string>? values) ? values : [];

    /// <summary>The last value of an option; null where it is not given.</summary>
    public string? Text(string name) => All(name) is [.., var last] ? last : null;

    /// <summary>The last value of an option as a whole number; null where it is not given.</summary>
    /// <exception cref="UsageException">It is none, or less than <paramref name="least"/>, or more than a million.</exception>
    public int? Number(string name, int least) => Text(name) is { } text ? Parse(name, text, least) : null;

    /// <summary>All values of an option as whole numbers, in order.</summary>
    /// <exception cref="UsageException">One is none, or less than <paramref name="least"/>, or more than a million.</exception>
    public IReadOnlyList<int> Numbers(string name, int least) => [.. All(name).Select(text => Parse(name, text, least))];

    /// <summary>The last value of an option, one of a few.</summary>
    /// <exception cref="UsageException">It is another.</exception>
    public string? OneOf(string name, params string[] known) => Text(name) is not { } text || known.Contains(text)
        ? Text(name)
        : throw new UsageException($"{name} is '{text}', expected {string.Join(" or ", known)}.", _usage);

    private int Parse(string name, string text, int least) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= Largest
            ? number
            : throw new UsageException($"{name} is '{text}', expected a whole number from {least} to {Largest}.", _usage);
}

using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Esper.Graph;

namespace Esper.Cli.Options;

/// <summary>Shapes of a model's inputs, given on the command line.</summary>
internal static class InputShapes
{
    private const string Form = "NAME=N,3,32,32, with N for the batch size";

    /// <summary>The option <c>--input-shape</c>.</summary>
    public static Option<string[]> Option() => new("--input-shape")
    {
        HelpName = "NAME=SHAPE",
        Description = $"Shape of an input that the file leaves open, or another one than the file's: {Form}. May be repeated.",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
    };

    /// <summary>Reads the option's values.</summary>
    /// <exception cref="UsageException">One of them is no shape.</exception>
    public static ImmutableDictionary<string, TensorShape> Parse(IEnumerable<string> texts) =>
        texts.Select(One).Aggregate(
            ImmutableDictionary.Create<string, TensorShape>(StringComparer.Ordinal), (shapes, pair) => shapes.SetItem(pair.Name, pair.Shape));

    private static (string Name, TensorShape Shape) One(string text)
    {
        int equals = text.LastIndexOf('=');
        string[] extents = equals < 1 ? [] : text[(equals + 1)..].Split(',', StringSplitOptions.TrimEntries);
        long[] numbers = [.. extents.Select(extent =>
            extent == "N" ? -1 : long.TryParse(extent, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : long.MinValue)];
        return numbers.Length > 0 && !numbers.Contains(long.MinValue)
            ? (text[..equals], TensorShape.Of(numbers))
            : throw new UsageException($"--input-shape: '{text}' is no shape.", $"The form is {Form}.");
    }
}

using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>
/// Ready-made hosts. Image hosts read <c>images</c> [N, C, H, W] Float32 and <c>labels</c> [N] Int64; text hosts read
/// <c>tokens</c> and <c>labels</c> [N, T] Int64. All of them make <c>logits</c> and the scalar <c>loss</c>.
/// </summary>
public static class HostPresets
{
    private const int MaximumExtent = 65536;
    private const string Forms =
        "Forms: cnn3[:WIDTH-WIDTH-...], wrn-DEPTH-WIDTH, mlp[:WIDTH-...], char-gpt[:LAYERS-WIDTH-HEADS].";

    /// <summary>
    /// Names that <see cref="Create"/> knows; cnn3, mlp and char-gpt also take sizes behind a colon, wrn any depth and width.
    /// </summary>
    public static ImmutableArray<string> Names { get; } = ["cnn3", "wrn-16-1", "wrn-28-1", "mlp", "char-gpt"];

    /// <summary>Builds a host.</summary>
    /// <param name="spec">
    /// <c>cnn3</c> or <c>cnn3:16-32-64</c> (1 to 6 widths), <c>wrn-D-K</c> with D = 6 n + 4 and K a multiple of 1/16 (a quarter of the
    /// usual widths is 0.25), <c>mlp</c> or <c>mlp:256-256</c>,
    /// <c>char-gpt</c> or <c>char-gpt:LAYERS-WIDTH-HEADS</c>.
    /// </param>
    /// <param name="input">What it reads: an <see cref="ImageInput"/>, for char-gpt a <see cref="TextInput"/>.</param>
    /// <param name="labelSmoothing">Share of the target spread over all classes, in [0, 1).</param>
    /// <exception cref="GraphException">
    /// The specification is unknown (the message suggests the nearest name) or does not go with the input.
    /// </exception>
    public static HostPreset Create(string spec, HostInput input, double labelSmoothing = 0)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(input);
        CheckInput(input);
        string name = spec.Trim().ToLowerInvariant();
        string[] halves = name.Split(':', 2);
        string? sizes = halves.Length == 2 ? halves[1] : null;
        switch (halves[0])
        {
            case "cnn3":
                return ConvNetPreset.Create(name, Image(name, input), Sizes(name, sizes ?? "32-64-128", 1, 6), labelSmoothing);
            case "mlp":
                return PerceptronPreset.Create(name, Image(name, input), Sizes(name, sizes ?? "128-128", 1, 16), labelSmoothing);
            case "char-gpt":
                return CharGptPreset.Create(name, Text(name, input), Sizes(name, sizes ?? "4-128-4", 3, 3), labelSmoothing);
            case var wide when sizes is null && wide.StartsWith("wrn-", StringComparison.Ordinal):
                (int depth, int width) = DepthAndWidth(name, wide[4..]);
                return WideResNetPreset.Create(name, Image(name, input), depth, width, labelSmoothing);
            default:
                throw new GraphException($"'{spec}' is no host. {Suggestion.Phrase(halves[0], Names)} {Forms}");
        }
    }

    private static int[] Sizes(string spec, string text, int minimum, int maximum)
    {
        string[] parts = text.Split('-');
        int[] sizes = [.. parts.Select(part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size <= MaximumExtent ? size : 0)];
        string wanted = minimum == maximum ? $"{minimum}" : $"{minimum} to {maximum}";
        return sizes.Length >= minimum && sizes.Length <= maximum && sizes.All(s => s >= 1)
            ? sizes
            : throw new GraphException(
                $"host '{spec}': '{text}' must be {wanted} whole numbers from 1 to {MaximumExtent} with '-' between them. {Forms}");
    }

    /// <summary>Depth, and the channels of the first group: 16 times the width factor.</summary>
    private static (int Depth, int Width) DepthAndWidth(string spec, string text)
    {
        string[] parts = text.Split('-');
        int depth = 0;
        decimal factor = 0;
        bool formed = parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out depth)
            && decimal.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out factor)
            && factor > 0 && factor <= MaximumExtent / 64 && factor * 16 == decimal.Truncate(factor * 16);
        return formed
            ? (depth, (int)(factor * 16))
            : throw new GraphException(
                $"host '{spec}': '{text}' must be a depth and a width factor that is a multiple of 1/16, such as 28-1 or 28-0.25. {Forms}");
    }

    private static ImageInput Image(string spec, HostInput input) =>
        input as ImageInput
        ?? throw new GraphException($"host '{spec}' reads images, but the data are {input}; for text take char-gpt");

    private static TextInput Text(string spec, HostInput input) =>
        input as TextInput
        ?? throw new GraphException(
            $"host '{spec}' reads text, but the data are {input}; for images take {string.Join(", ", Names.Remove("char-gpt"))}");

    private static void CheckInput(HostInput input)
    {
        bool valid = input switch
        {
            ImageInput i => i.Channels >= 1 && i.Height >= 1 && i.Width >= 1 && i.Classes >= 2,
            TextInput t => t.Vocabulary >= 2 && t.Context >= 1,
            _ => false,
        };
        if (!valid)
        {
            throw new GraphException($"no host reads {input}: sizes must be 1 or larger, classes and vocabulary 2 or larger");
        }
    }
}

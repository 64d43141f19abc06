using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Data;

/// <summary>The data sets that this program knows by name.</summary>
public static class Datasets
{
    /// <summary>Drawn by the program itself; needs no files. See <see cref="Esper.Data.Glyphs"/>.</summary>
    public const string Glyphs = "glyphs";

    /// <summary>CIFAR-10, binary version: 3x32x32 photographs of 10 classes.</summary>
    public const string Cifar10 = "cifar10";

    /// <summary>MNIST, or another set in its format, such as Fashion-MNIST: 1x28x28, 10 classes.</summary>
    public const string Mnist = "mnist";

    /// <summary>Any text in UTF-8, character by character.</summary>
    public const string Text = "text";

    /// <summary>All names.</summary>
    public static ImmutableArray<string> Names { get; } = [Glyphs, Cifar10, Mnist, Text];

    /// <summary>Brings a data set into memory.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="directory">
    /// Where its files are; for <c>text</c> also the file itself. Not used for <c>glyphs</c>, which needs none.
    /// </param>
    /// <param name="seed">
    /// Seed of a generated data set (<see cref="Esper.Data.Glyphs.DefaultSeed"/> gives the usual one); data from files
    /// do not depend on it.
    /// </param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <exception cref="DataException">
    /// The name is unknown, files are missing, or a file is damaged; the message names the place and the expectation.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Dataset Load(string name, string? directory, long seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name switch
        {
            Glyphs => Esper.Data.Glyphs.Generate(
                Esper.Data.Glyphs.DefaultTrainCount, Esper.Data.Glyphs.DefaultTestCount, seed, cancellationToken),
            Cifar10 => CifarReader.Read(RequireDirectory(name, directory, CifarReader.Expected), cancellationToken),
            Mnist => MnistReader.Read(RequireDirectory(name, directory, MnistReader.Expected), cancellationToken),
            Text => Utf8TextReader.Read(RequirePath(name, directory, Utf8TextReader.Expected), cancellationToken),
            _ => throw new DataException($"unknown data set '{name}'. {Suggestion.Phrase(name, Names)}"),
        };
    }

    private static string RequirePath(string name, string? path, string expected) =>
        string.IsNullOrEmpty(path)
            ? throw new DataException($"data set '{name}' needs its files: give --data a path with {expected}")
            : Path.GetFullPath(path);

    private static string RequireDirectory(string name, string? path, string expected)
    {
        string full = RequirePath(name, path, expected);
        return Directory.Exists(full)
            ? full
            : throw new DataException($"{full}: no such directory. Data set '{name}' expects in it {expected}");
    }
}

using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>MNIST and sets in its format: images and labels in IDX files, plain or compressed.</summary>
internal static class MnistReader
{
    /// <summary>What the directory must hold, for messages.</summary>
    public const string Expected =
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each plain or .gz";

    private const int Classes = 10;

    /// <summary>Offset of the count, and of the first label, in an IDX header.</summary>
    private const int CountOffset = 4;
    private const int RowsOffset = 8;
    private const int LabelsStart = 8;

    private static readonly ImmutableArray<string> ClassNames = [.. Enumerable.Range(0, Classes).Select(digit => $"{digit}")];

    /// <summary>Reads the four files.</summary>
    public static ImageDataset Read(string directory, CancellationToken cancellationToken)
    {
        string trainImages = Find(directory, "train-images", "idx3");
        string trainLabels = Find(directory, "train-labels", "idx1");
        string testImages = Find(directory, "t10k-images", "idx3");
        string testLabels = Find(directory, "t10k-labels", "idx1");
        (ImageExamples train, int height, int width) = ReadPart(trainImages, trainLabels, null, cancellationToken);
        (ImageExamples test, _, _) = ReadPart(testImages, testLabels, (height, width), cancellationToken);
        return new ImageDataset(
            Datasets.Mnist,
            (1, height, width),
            ClassNames,
            train,
            test,
            [0.1307f],
            [0.3081f],
            new Augmentation { CropPadding = 2 });
    }

    private static string Find(string directory, string stem, string kind)
    {
        string[] candidates = [$"{stem}-{kind}-ubyte", $"{stem}.{kind}-ubyte"];
        return candidates.SelectMany(name => new[] { name, name + ".gz" })
            .Select(name => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists)
            ?? throw new DataException($"{directory}: no {candidates[0]} (or .gz). Data set '{Datasets.Mnist}' expects in it {Expected}");
    }

    private static (ImageExamples Examples, int Height, int Width) ReadPart(
        string imagesFile, string labelsFile, (int Height, int Width)? expected, CancellationToken cancellationToken)
    {
        IdxContent images = IdxReader.Read(imagesFile, rank: 3, cancellationToken);
        IdxContent labels = IdxReader.Read(labelsFile, rank: 1, cancellationToken);
        (int count, int height, int width) = (images.Dims[0], images.Dims[1], images.Dims[2]);
        if (expected is { } shape && shape != (height, width))
        {
            throw DataException.At(
                imagesFile, RowsOffset, $"images of {shape.Height}x{shape.Width} as in the training set", $"{height}x{width}");
        }

        if (labels.Dims[0] != count)
        {
            throw DataException.At(
                labelsFile, CountOffset, $"{count} labels as {Path.GetFileName(imagesFile)} has images", $"{labels.Dims[0]}");
        }

        int wrong = labels.Values.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(Classes - 1));
        return wrong < 0
            ? (new ImageExamples(images.Values, labels.Values, height * width), height, width)
            : throw DataException.At(
                labelsFile, LabelsStart + (long)wrong, $"a label from 0 to {Classes - 1}", $"{labels.Values[wrong]}");
    }
}

using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Esper.Data;

/// <summary>
/// CIFAR-10, binary version: files of records of 3,073 bytes, one label (0 to 9) and then 3x32x32 values, red, green,
/// blue.
/// </summary>
internal static class CifarReader
{
    /// <summary>What the directory must hold, for messages.</summary>
    public const string Expected =
        "data_batch_1.bin (to data_batch_5.bin) and test_batch.bin, from CIFAR-10's binary version, with batches.meta.txt if there";

    private const int ImageBytes = 3 * 32 * 32;
    private const int RecordBytes = 1 + ImageBytes;
    private const int Classes = 10;

    /// <summary>The folder inside the published archive.</summary>
    private const string ArchiveFolder = "cifar-10-batches-bin";
    private const string BatchPrefix = "data_batch_";
    private const string BatchSuffix = ".bin";

    private static readonly ImmutableArray<string> DefaultClassNames =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Reads all training batches that are there, in numeric order, and the test batch.</summary>
    public static ImageDataset Read(string directory, CancellationToken cancellationToken)
    {
        string inner = Path.Combine(directory, ArchiveFolder);
        string root = Directory.Exists(inner) ? inner : directory;
        string test = Path.Combine(root, "test_batch.bin");
        string[] batches = TrainingFiles(root);
        if (batches.Length == 0 || !File.Exists(test))
        {
            throw new DataException(
                $"{root}: no {(batches.Length == 0 ? "data_batch_1.bin" : "test_batch.bin")}. "
                + $"Data set '{Datasets.Cifar10}' expects in it {Expected}");
        }

        return new ImageDataset(
            Datasets.Cifar10,
            (3, 32, 32),
            ClassNames(Path.Combine(root, "batches.meta.txt")),
            ReadRecords(batches, cancellationToken),
            ReadRecords([test], cancellationToken),
            [0.4914f, 0.4822f, 0.4465f],
            [0.2470f, 0.2435f, 0.2616f],
            new Augmentation { CropPadding = 4, Flip = true });
    }

    private static string[] TrainingFiles(string root) =>
        [.. Directory.EnumerateFiles(root, BatchPrefix + "*" + BatchSuffix)
            .Select(path => (path, number: Number(Path.GetFileName(path))))
            .Where(file => file.number is not null)
            .OrderBy(file => file.number)
            .ThenBy(file => file.path, StringComparer.Ordinal)
            .Select(file => file.path)];

    private static int? Number(string fileName) =>
        int.TryParse(
            fileName.AsSpan()[BatchPrefix.Length..^BatchSuffix.Length], NumberStyles.None, CultureInfo.InvariantCulture,
            out int number)
            ? number
            : null;

    private static ImageExamples ReadRecords(string[] files, CancellationToken cancellationToken)
    {
        int[] counts = [.. files.Select(CountRecords)];
        long total = counts.Sum(count => (long)count);
        if (total * ImageBytes > Array.MaxLength)
        {
            throw new DataException($"{files[0]} and its neighbours hold {total} records, more than fit into memory");
        }

        byte[] pixels = GC.AllocateUninitializedArray<byte>((int)total * ImageBytes);
        byte[] labels = new byte[total];
        int first = 0;
        for (int i = 0; i < files.Length; i++)
        {
            ReadFile(files[i], counts[i], first, pixels, labels, cancellationToken);
            first += counts[i];
        }

        return new ImageExamples(pixels, labels, ImageBytes);
    }

    private static int CountRecords(string file)
    {
        long length = new FileInfo(file).Length;
        long whole = length / RecordBytes;
        if (length == 0)
        {
            throw DataException.At(file, 0, $"a record of {RecordBytes} bytes", "the end of the file");
        }

        if (length % RecordBytes != 0)
        {
            throw DataException.At(
                file, whole * RecordBytes, $"a record of {RecordBytes} bytes or the end of the file",
                $"{length % RecordBytes} bytes: the file is truncated or not CIFAR-10's binary version");
        }

        return (int)Math.Min(whole, int.MaxValue);
    }

    private static void ReadFile(
        string file, int count, int first, byte[] pixels, byte[] labels, CancellationToken cancellationToken)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 18);
        for (int record = 0; record < count; record++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long offset = (long)record * RecordBytes;
            int label = stream.ReadByte();
            if (label >= Classes)
            {
                throw DataException.At(file, offset, $"a label from 0 to {Classes - 1}", $"{label}");
            }

            int index = first + record;
            Span<byte> image = pixels.AsSpan(index * ImageBytes, ImageBytes);
            int read = label < 0 ? 0 : stream.ReadAtLeast(image, ImageBytes, throwOnEndOfStream: false);
            if (read < ImageBytes)
            {
                throw DataException.At(
                    file, offset, $"a record of {RecordBytes} bytes", "the end of the file: it shrank while it was read");
            }

            labels[index] = (byte)label;
        }
    }

    private static ImmutableArray<string> ClassNames(string file)
    {
        if (!File.Exists(file))
        {
            return DefaultClassNames;
        }

        ImmutableArray<string> names =
            [.. File.ReadLines(file, Encoding.UTF8).Select(line => line.Trim()).Where(line => line.Length > 0).Take(Classes + 1)];
        return names.Length == Classes
            ? names
            : throw DataException.At(
                file, 0, $"{Classes} lines with one class name each", names.Length > Classes ? "more" : $"{names.Length}");
    }
}

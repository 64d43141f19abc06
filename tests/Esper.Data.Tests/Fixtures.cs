using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Compression;

namespace Esper.Data.Tests;

/// <summary>Small files and data sets with recognisable content.</summary>
internal static class Fixtures
{
    public const int CifarRecord = 3073;

    /// <summary>Record r has label (r + shift) mod 10, and value (31 r + 7 p + shift) mod 256 at place p.</summary>
    public static byte[] Cifar(int records, int shift)
    {
        byte[] content = new byte[records * CifarRecord];
        for (int r = 0; r < records; r++)
        {
            content[r * CifarRecord] = (byte)((r + shift) % 10);
            for (int p = 0; p < CifarRecord - 1; p++)
            {
                content[(r * CifarRecord) + 1 + p] = (byte)((31 * r) + (7 * p) + shift);
            }
        }

        return content;
    }

    public static byte[] Idx(int magic, int[] dims, ReadOnlySpan<byte> values)
    {
        byte[] content = new byte[4 + (4 * dims.Length) + values.Length];
        BinaryPrimitives.WriteInt32BigEndian(content, magic);
        for (int i = 0; i < dims.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(content.AsSpan(4 + (4 * i)), dims[i]);
        }

        values.CopyTo(content.AsSpan(4 + (4 * dims.Length)));
        return content;
    }

    public static byte[] IdxImages(int count, int height, int width, int shift) =>
        Idx(0x0803, [count, height, width], Bytes(count * height * width, shift));

    public static byte[] IdxLabels(int count, int shift) =>
        Idx(0x0801, [count], [.. Enumerable.Range(0, count).Select(i => (byte)((i + shift) % 10))]);

    public static byte[] Bytes(int count, int shift) =>
        [.. Enumerable.Range(0, count).Select(i => (byte)((i * 37) + (i / 251) + shift))];

    public static byte[] Gzip(ReadOnlySpan<byte> content)
    {
        using MemoryStream target = new();
        using (GZipStream zip = new(target, CompressionLevel.Optimal, leaveOpen: true))
        {
            zip.Write(content);
        }

        return target.ToArray();
    }

    /// <summary>Writes a complete MNIST directory of 5 + 3 images of 4x3.</summary>
    public static void WriteMnist(TemporaryDirectory directory, bool zip = false, char separator = '-')
    {
        void Write(string stem, string kind, byte[] content) =>
            directory.Write($"{stem}{separator}{kind}-ubyte{(zip ? ".gz" : "")}", zip ? Gzip(content) : content);

        Write("train-images", "idx3", IdxImages(5, 4, 3, shift: 1));
        Write("train-labels", "idx1", IdxLabels(5, shift: 2));
        Write("t10k-images", "idx3", IdxImages(3, 4, 3, shift: 3));
        Write("t10k-labels", "idx1", IdxLabels(3, shift: 4));
    }

    /// <summary>A data set of images of two channels, 5 rows, 3 columns, and 3 classes.</summary>
    public static ImageDataset SmallImages(int train, int test = 4)
    {
        const int Size = 2 * 5 * 3;
        return new ImageDataset(
            "small",
            (2, 5, 3),
            ["a", "b", "c"],
            new ImageExamples(Bytes(train * Size, 5), [.. Enumerable.Range(0, train).Select(i => (byte)(i % 3))], Size),
            new ImageExamples(Bytes(test * Size, 9), [.. Enumerable.Range(0, test).Select(i => (byte)((i + 1) % 3))], Size),
            [0.25f, 0.6f],
            [0.3f, 0.7f],
            new Augmentation { CropPadding = 2, Flip = true });
    }

    public static ImmutableArray<int> UpTo(int count) => [.. Enumerable.Range(0, count)];

    public static DataException LoadFails(string name, string? directory) =>
        Assert.Throws<DataException>(() => Datasets.Load(name, directory, 0, CancellationToken.None));
}

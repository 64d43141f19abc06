namespace Esper.Data.Tests;

public sealed class MnistReaderTests : IDisposable
{
    private const string TrainImages = "train-images-idx3-ubyte";
    private const string TrainLabels = "train-labels-idx1-ubyte";
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(false, '-')]
    [InlineData(true, '-')]
    [InlineData(false, '.')]
    [InlineData(true, '.')]
    public void Plain_and_compressed_files_under_both_names_hold_the_same(bool zip, char separator)
    {
        Fixtures.WriteMnist(directory, zip, separator);

        ImageDataset dataset = Load();

        Assert.Equal((1, 4, 3), (dataset.Channels, dataset.Height, dataset.Width));
        Assert.Equal(Fixtures.Bytes(5 * 12, 1), dataset.Train.Pixels.ToArray());
        Assert.Equal<byte>([2, 3, 4, 5, 6], dataset.Train.Labels.ToArray());
        Assert.Equal(Fixtures.Bytes(3 * 12, 3), dataset.Test.Pixels.ToArray());
        Assert.Equal<byte>([4, 5, 6], dataset.Test.Labels.ToArray());
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], dataset.ClassNames.ToArray());
        Assert.Equal(new Augmentation { CropPadding = 2 }, dataset.DefaultAugmentation);
    }

    [Fact]
    public void Content_larger_than_the_first_buffer_arrives_whole()
    {
        Fixtures.WriteMnist(directory);
        File.Delete(Path.Combine(directory.Path, TrainImages));
        directory.Write(TrainImages + ".gz", Fixtures.Gzip(Fixtures.IdxImages(2000, 40, 35, 1)));
        directory.Write("t10k-images-idx3-ubyte", Fixtures.IdxImages(3, 40, 35, 3));
        directory.Write(TrainLabels, Fixtures.IdxLabels(2000, 0));
        Assert.Equal(Fixtures.Bytes(2000 * 40 * 35, 1), Load().Train.Pixels.ToArray());
    }

    [Fact]
    public void Missing_file_names_what_is_expected_where()
    {
        Fixtures.WriteMnist(directory);
        File.Delete(Path.Combine(directory.Path, TrainLabels));
        string message = Fails();
        Assert.StartsWith(
            $"{directory.Path}: no {TrainLabels} (or .gz). Data set 'mnist' expects in it {TrainImages}", message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x0801, "0x00000801")]
    [InlineData(0x0D03, "0x00000D03")]
    [InlineData(0x1F8B0800, "0x1F8B0800")]
    public void Wrong_magic_is_refused(int magic, string found) =>
        AssertDamage(
            TrainImages, Fixtures.Idx(magic, [5, 4, 3], new byte[60]), 0,
            $"expected 0x00000803 (IDX, unsigned bytes, 3 dimensions), found {found}");

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(9)]
    public void Truncated_header_is_placed(int length) =>
        AssertDamage(
            TrainImages, Fixtures.IdxImages(5, 4, 3, 0)[..length], length, "expected a header of 16 bytes, found the end of the file");

    [Fact]
    public void Truncated_plain_file_is_placed_at_its_end() =>
        AssertDamage(
            TrainImages, Fixtures.IdxImages(5, 4, 3, 0)[..^7], 69, "expected 76 bytes as its header says, found a file of 69 bytes");

    [Fact]
    public void Plain_file_with_more_than_its_header_says_is_placed_where_that_begins() =>
        AssertDamage(
            TrainImages, [.. Fixtures.IdxImages(5, 4, 3, 0), 1, 2], 76,
            "expected 76 bytes as its header says, found a file of 78 bytes");

    [Fact]
    public void Truncated_compressed_content_is_placed() =>
        AssertDamage(
            TrainImages + ".gz", Fixtures.Gzip(Fixtures.IdxImages(5, 4, 3, 0).AsSpan()[..^7]), 69,
            "expected 60 values as its header says, found the end of the file after 53 values");

    [Fact]
    public void Compressed_content_with_more_than_its_header_says_is_placed() =>
        AssertDamage(
            TrainImages + ".gz", Fixtures.Gzip([.. Fixtures.IdxImages(5, 4, 3, 0), 1]), 76,
            "expected the end of the file after 60 values, found more bytes");

    [Fact]
    public void Damaged_compression_is_named()
    {
        byte[] content = Fixtures.Gzip(Fixtures.IdxImages(5, 4, 3, 0));
        content[0] ^= 0xFF;
        string message = Damage(TrainImages + ".gz", content, out string file);
        Assert.StartsWith($"{file}: byte 0: expected data compressed with gzip, found a damaged stream", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 4, 3, 4, "4294967295")]
    [InlineData(0, 4, 3, 4, "0")]
    [InlineData(5, 0, 3, 8, "0")]
    [InlineData(70_000, 70_000, 3, 8, "70000")]
    [InlineData(1 << 20, 1 << 9, 3, 12, "3")]
    public void Impossible_dimensions_are_refused_from_the_header(int count, int height, int width, int offset, string found) =>
        AssertDamage(
            TrainImages + ".gz", Fixtures.Gzip(Fixtures.Idx(0x0803, [count, height, width], new byte[60])), offset,
            $"expected a dimension of at least 1, with no more than 1073741824 values in all, found {found}");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Header_that_promises_a_gigabyte_allocates_only_what_is_there(bool zip)
    {
        byte[] content = Fixtures.Idx(0x0803, [1_000_000, 32, 32], new byte[60]);
        string file = directory.Write("hostile" + (zip ? ".gz" : ""), zip ? Fixtures.Gzip(content) : content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DataException>(() => IdxReader.Read(file, 3, CancellationToken.None));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Counts_that_differ_between_images_and_labels_are_refused() =>
        AssertDamage(
            TrainLabels, Fixtures.IdxLabels(4, 0), 4, $"expected 5 labels as {TrainImages} has images, found 4");

    [Fact]
    public void Label_out_of_range_is_placed() =>
        AssertDamage(
            TrainLabels, Fixtures.Idx(0x0801, [5], [1, 2, 9, 11, 0]), 11, "expected a label from 0 to 9, found 11");

    [Fact]
    public void Test_images_must_have_the_shape_of_the_training_images() =>
        AssertDamage(
            "t10k-images-idx3-ubyte", Fixtures.IdxImages(3, 3, 4, 0), 8,
            "expected images of 4x3 as in the training set, found 3x4");

    private ImageDataset Load() =>
        Assert.IsType<ImageDataset>(Datasets.Load("mnist", directory.Path, 0, CancellationToken.None));

    private string Fails() => Fixtures.LoadFails("mnist", directory.Path).Message;

    private void AssertDamage(string name, byte[] content, int offset, string text)
    {
        string message = Damage(name, content, out string file);
        Assert.Equal($"{file}: byte {offset}: {text}", message);
    }

    private string Damage(string name, byte[] content, out string file)
    {
        Fixtures.WriteMnist(directory);
        File.Delete(Path.Combine(directory.Path, name.Replace(".gz", "", StringComparison.Ordinal)));
        file = directory.Write(name, content);
        return Fails();
    }
}

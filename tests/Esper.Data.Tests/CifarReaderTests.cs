namespace Esper.Data.Tests;

public sealed class CifarReaderTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Batches_are_read_in_numeric_order_and_records_taken_apart()
    {
        directory.Write("data_batch_10.bin", Fixtures.Cifar(1, 90));
        directory.Write("data_batch_2.bin", Fixtures.Cifar(3, 20));
        directory.Write("data_batch_1.bin", Fixtures.Cifar(2, 10));
        directory.Write("data_batch_notes.bin", [1, 2, 3]);
        directory.Write("test_batch.bin", Fixtures.Cifar(2, 50));

        ImageDataset dataset = Load();

        Assert.Equal((3, 32, 32), (dataset.Channels, dataset.Height, dataset.Width));
        Assert.Equal<byte>([0, 1, 0, 1, 2, 0], dataset.Train.Labels.ToArray());
        Assert.Equal(Pixels(Fixtures.Cifar(2, 10), 1), dataset.Train.Image(1).ToArray());
        Assert.Equal(Pixels(Fixtures.Cifar(3, 20), 2), dataset.Train.Image(4).ToArray());
        Assert.Equal(Pixels(Fixtures.Cifar(1, 90), 0), dataset.Train.Image(5).ToArray());
        Assert.Equal(Pixels(Fixtures.Cifar(2, 50), 1), dataset.Test.Image(1).ToArray());
        Assert.Equal(new Augmentation { CropPadding = 4, Flip = true }, dataset.DefaultAugmentation);
        Assert.Equal("airplane", dataset.ClassNames[0]);
        Assert.Equal("truck", dataset.ClassNames[9]);
    }

    [Fact]
    public void Folder_of_the_published_archive_is_found()
    {
        directory.Write("cifar-10-batches-bin/data_batch_1.bin", Fixtures.Cifar(1, 0));
        directory.Write("cifar-10-batches-bin/test_batch.bin", Fixtures.Cifar(1, 0));
        Assert.Equal(1, Load().Train.Count);
    }

    [Fact]
    public void Class_names_come_from_the_meta_file()
    {
        WriteGood();
        directory.Write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"u8);
        Assert.Equal(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], Load().ClassNames.ToArray());
    }

    [Theory]
    [InlineData("a\nb\n", "found 2")]
    [InlineData("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl", "found more")]
    public void Wrong_number_of_class_names_is_refused(string content, string found)
    {
        WriteGood();
        string file = directory.Write("batches.meta.txt", System.Text.Encoding.UTF8.GetBytes(content));
        Assert.Equal($"{file}: byte 0: expected 10 lines with one class name each, {found}", Fails());
    }

    [Fact]
    public void Missing_training_batch_names_what_is_expected_where()
    {
        directory.Write("test_batch.bin", Fixtures.Cifar(1, 0));
        string message = Fails();
        Assert.StartsWith($"{directory.Path}: no data_batch_1.bin. Data set 'cifar10' expects in it", message, StringComparison.Ordinal);
        Assert.Contains("test_batch.bin, from CIFAR-10's binary version", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_test_batch_is_named()
    {
        directory.Write("data_batch_1.bin", Fixtures.Cifar(1, 0));
        Assert.StartsWith($"{directory.Path}: no test_batch.bin.", Fails(), StringComparison.Ordinal);
    }

    [Fact]
    public void Truncated_record_is_placed()
    {
        WriteGood();
        string file = directory.Write("data_batch_1.bin", Fixtures.Cifar(3, 0).AsSpan()[..^5]);
        Assert.Equal(
            $"{file}: byte 6146: expected a record of 3073 bytes or the end of the file, found 3068 bytes: the file is truncated or "
            + "not CIFAR-10's binary version",
            Fails());
    }

    [Fact]
    public void Empty_file_is_refused()
    {
        WriteGood();
        string file = directory.Write("test_batch.bin", []);
        Assert.Equal($"{file}: byte 0: expected a record of 3073 bytes, found the end of the file", Fails());
    }

    [Fact]
    public void Label_out_of_range_is_placed()
    {
        byte[] content = Fixtures.Cifar(3, 0);
        content[2 * Fixtures.CifarRecord] = 10;
        WriteGood();
        string file = directory.Write("data_batch_1.bin", content);
        Assert.Equal($"{file}: byte 6146: expected a label from 0 to 9, found 10", Fails());
    }

    [Fact]
    public void Cancelled_token_ends_the_reading()
    {
        WriteGood();
        Assert.Throws<OperationCanceledException>(() => Datasets.Load("cifar10", directory.Path, 0, new CancellationToken(true)));
    }

    private static byte[] Pixels(byte[] content, int record) =>
        content[((record * Fixtures.CifarRecord) + 1)..((record + 1) * Fixtures.CifarRecord)];

    private void WriteGood()
    {
        directory.Write("data_batch_1.bin", Fixtures.Cifar(2, 0));
        directory.Write("test_batch.bin", Fixtures.Cifar(1, 0));
    }

    private ImageDataset Load() =>
        Assert.IsType<ImageDataset>(Datasets.Load("cifar10", directory.Path, 0, CancellationToken.None));

    private string Fails() => Fixtures.LoadFails("cifar10", directory.Path).Message;
}

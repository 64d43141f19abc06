namespace Esper.Data.Tests;

public sealed class DatasetsTests
{
    [Fact]
    public void Names_are_the_documented_ones() => Assert.Equal(["glyphs", "cifar10", "mnist", "text"], Datasets.Names.ToArray());

    [Fact]
    public void Unknown_name_suggests_the_nearest() =>
        Assert.Equal(
            "unknown data set 'cifar-10'. Did you mean 'cifar10'? Known: glyphs, cifar10, mnist, text.",
            Fixtures.LoadFails("cifar-10", null).Message);

    [Theory]
    [InlineData("cifar10", "data_batch_1.bin")]
    [InlineData("mnist", "train-images-idx3-ubyte")]
    [InlineData("text", "input.txt")]
    public void Data_set_from_files_asks_for_its_path(string name, string file)
    {
        string message = Fixtures.LoadFails(name, null).Message;
        Assert.StartsWith($"data set '{name}' needs its files: give --data a path with", message, StringComparison.Ordinal);
        Assert.Contains(file, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cifar10")]
    [InlineData("mnist")]
    public void Missing_directory_is_named(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), "esper-no-such-directory");
        string message = Fixtures.LoadFails(name, path).Message;
        Assert.StartsWith($"{path}: no such directory. Data set '{name}' expects in it", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_labels_and_statistics_must_belong_together()
    {
        ImageExamples good = new(new byte[8], [0, 1], 4);
        Assert.Throws<ArgumentException>(() => new ImageExamples(new byte[7], [0, 1], 4));
        Assert.Throws<ArgumentException>("test", () => Create(new ImageExamples(new byte[8], [0, 2], 4)));
        Assert.Throws<ArgumentException>("test", () => Create(new ImageExamples(new byte[6], [0, 1], 3)));
        Assert.Throws<ArgumentException>(() => Create(good, deviation: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => good.Image(2).Length);
        Assert.Equal(2, Create(good).ClassCount);

        ImageDataset Create(ImageExamples test, float deviation = 1) =>
            new("x", (1, 2, 2), ["a", "b"], good, test, [0f], [deviation], Augmentation.None);
    }
}

namespace Esper.Data.Tests;

public sealed class TextTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Text_becomes_tokens_of_an_ascending_vocabulary_and_back()
    {
        const string Text = "banana, Ångström\r\nβ\U0001F600";
        TextDataset dataset = new("text", Text);
        Assert.Equal(Text.Distinct().Order(), dataset.Vocabulary);
        Assert.Equal(dataset.Vocabulary.Length, dataset.ClassCount);
        Assert.Equal(Text.Length, dataset.Tokens.Length);
        Assert.Equal(Text, dataset.Decode([.. dataset.Tokens.ToArray().Select(token => (long)token)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.Decode([dataset.ClassCount]));
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.Decode([-1]));
    }

    [Theory]
    [InlineData(1, 0, 0, 1)]
    [InlineData(10, 8, 1, 1)]
    [InlineData(99, 79, 10, 10)]
    [InlineData(1003, 802, 100, 101)]
    public void Parts_are_contiguous_and_cover_everything(int length, int train, int validation, int test)
    {
        TextDataset dataset = new("text", new string('a', length));
        Assert.Equal(new TokenRange(0, train), dataset.Train);
        Assert.Equal(new TokenRange(train, validation), dataset.Validation);
        Assert.Equal(new TokenRange(train + validation, test), dataset.Test);
        Assert.Equal(length, train + validation + test);
    }

    [Fact]
    public void File_and_directory_hold_the_same_and_a_byte_order_mark_is_not_text()
    {
        string file = directory.Write("input.txt", "\uFEFFhello"u8);
        foreach (string path in new[] { file, directory.Path })
        {
            TextDataset dataset = Assert.IsType<TextDataset>(Datasets.Load("text", path, 0, CancellationToken.None));
            Assert.Equal("ehlo", new string([.. dataset.Vocabulary]));
        }
    }

    [Fact]
    public void Invalid_utf8_is_placed()
    {
        string file = directory.Write("input.txt", [.. "\uFEFFabc"u8, 0xC3, 0x28, 0x41]);
        Assert.Equal(
            $"{file}: byte 6: expected text in UTF-8, found the bytes C3", Fixtures.LoadFails("text", directory.Path).Message);
    }

    [Fact]
    public void Empty_text_is_refused()
    {
        string file = directory.Write("input.txt", []);
        Assert.Equal(
            $"{file}: byte 0: expected at least one character, found the end of the file",
            Fixtures.LoadFails("text", file).Message);
    }

    [Fact]
    public void Missing_text_names_what_is_expected_where()
    {
        string file = Path.Combine(directory.Path, "input.txt");
        Assert.Equal(
            $"{file}: no such file. Data set 'text' expects a text file in UTF-8, or a directory with input.txt",
            Fixtures.LoadFails("text", directory.Path).Message);
    }
}

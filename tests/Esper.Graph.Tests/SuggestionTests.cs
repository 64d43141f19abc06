using Esper.Contracts;

namespace Esper.Graph.Tests;

public sealed class SuggestionTests
{
    private static readonly string[] Known = ["cnn3", "wrn-16-1", "wrn-28-1", "mlp"];

    [Theory]
    [InlineData("cnn", "cnn3")]
    [InlineData("CNN3", "cnn3")]
    [InlineData("wrn-18-1", "wrn-16-1")]
    [InlineData("wrn28-1", "wrn-28-1")]
    [InlineData("mpl", "mlp")]
    [InlineData("transformer", null)]
    [InlineData("", null)]
    public void Nearest_has_the_fewest_edits_within_reason(string word, string? expected) =>
        Assert.Equal(expected, Suggestion.Nearest(word, Known));

    [Fact]
    public void Phrase_asks_only_where_something_is_near()
    {
        Assert.Equal("Did you mean 'mlp'? Known: mlp, cnn3.", Suggestion.Phrase("mlq", ["mlp", "cnn3"]));
        Assert.Equal("Known: mlp, cnn3.", Suggestion.Phrase("transformer", ["mlp", "cnn3"]));
        Assert.Equal("None are known.", Suggestion.Phrase("x", []));
    }

    [Fact]
    public void Longer_words_may_differ_in_a_third_of_their_length()
    {
        Assert.Equal("abcdefghi", Suggestion.Nearest("abcdefxyz", ["abcdefghi"]));
        Assert.Null(Suggestion.Nearest("abcdewxyz", ["abcdefghi"]));
    }
}

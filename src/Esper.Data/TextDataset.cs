using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// A text as a sequence of characters (UTF-16 code units): the first 80 % to train on, then 10 % to validate and 10 %
/// to test.
/// </summary>
public sealed class TextDataset : Dataset
{
    private readonly ushort[] tokens;

    /// <summary>Encodes a text; its vocabulary is every character that occurs, in ascending order.</summary>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public TextDataset(string name, ReadOnlySpan<char> text)
        : base(name)
    {
        if (text.IsEmpty)
        {
            throw new ArgumentException("a text needs at least one character", nameof(text));
        }

        bool[] occurs = new bool[char.MaxValue + 1];
        foreach (char character in text)
        {
            occurs[character] = true;
        }

        Vocabulary = [.. Enumerable.Range(0, occurs.Length).Where(code => occurs[code]).Select(code => (char)code)];
        ushort[] tokenOf = new ushort[occurs.Length];
        for (int token = 0; token < Vocabulary.Length; token++)
        {
            tokenOf[Vocabulary[token]] = (ushort)token;
        }

        tokens = new ushort[text.Length];
        for (int position = 0; position < tokens.Length; position++)
        {
            tokens[position] = tokenOf[text[position]];
        }

        int train = (int)((long)tokens.Length * 8 / 10);
        int validation = (int)((long)tokens.Length * 9 / 10) - train;
        Train = new TokenRange(0, train);
        Validation = new TokenRange(train, validation);
        Test = new TokenRange(train + validation, tokens.Length - train - validation);
    }

    /// <summary>Characters in ascending order; a token is an index into them.</summary>
    public ImmutableArray<char> Vocabulary { get; }

    /// <inheritdoc/>
    public override int ClassCount => Vocabulary.Length;

    /// <summary>The whole text, one token a character.</summary>
    public ReadOnlyMemory<ushort> Tokens => tokens;

    /// <summary>Tokens to train on.</summary>
    public TokenRange Train { get; }

    /// <summary>Tokens for decisions.</summary>
    public TokenRange Validation { get; }

    /// <summary>Tokens that no decision may look at.</summary>
    public TokenRange Test { get; }

    /// <summary>The characters of some tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<long> sequence)
    {
        char[] characters = new char[sequence.Length];
        for (int i = 0; i < characters.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(sequence[i], nameof(sequence));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sequence[i], Vocabulary.Length, nameof(sequence));
            characters[i] = Vocabulary[(int)sequence[i]];
        }

        return new string(characters);
    }
}

namespace Esper.Graph;

/// <summary>What a host reads.</summary>
public abstract record HostInput
{
    private protected HostInput()
    {
    }
}

/// <summary>Images with one class each.</summary>
/// <param name="Channels">Channels.</param>
/// <param name="Height">Rows of pixels.</param>
/// <param name="Width">Columns of pixels.</param>
/// <param name="Classes">Number of classes.</param>
public sealed record ImageInput(int Channels, int Height, int Width, int Classes) : HostInput
{
    /// <summary>Such as <c>3x32x32 images, 10 classes</c>.</summary>
    public override string ToString() => $"{Channels}x{Height}x{Width} images, {Classes} classes";
}

/// <summary>Token sequences, each position with the next token as its class.</summary>
/// <param name="Vocabulary">Number of different tokens.</param>
/// <param name="Context">Tokens of a sequence.</param>
public sealed record TextInput(int Vocabulary, int Context) : HostInput
{
    /// <summary>Such as <c>sequences of 128 tokens, vocabulary 65</c>.</summary>
    public override string ToString() => $"sequences of {Context} tokens, vocabulary {Vocabulary}";
}

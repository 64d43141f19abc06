namespace Esper.Data;

/// <summary>Labelled images of one shape, one byte a value.</summary>
public sealed class ImageExamples
{
    /// <summary>Takes ownership of the arrays: the caller must not write to them any more.</summary>
    /// <param name="pixels">Values of all images, [Count, channels, height, width], row-major.</param>
    /// <param name="labels">Class of each image, [Count].</param>
    /// <param name="valuesPerImage">channels x height x width.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public ImageExamples(byte[] pixels, byte[] labels, int valuesPerImage)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(valuesPerImage);
        if (pixels.LongLength != (long)labels.Length * valuesPerImage)
        {
            throw new ArgumentException(
                $"{labels.Length} labels ask for {(long)labels.Length * valuesPerImage} pixel values of {valuesPerImage} each, "
                + $"not {pixels.Length}",
                nameof(pixels));
        }

        Pixels = pixels;
        Labels = labels;
        ValuesPerImage = valuesPerImage;
    }

    /// <summary>Values of all images, [Count, channels, height, width], row-major.</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

    /// <summary>Class of each image, [Count].</summary>
    public ReadOnlyMemory<byte> Labels { get; }

    /// <summary>channels x height x width.</summary>
    public int ValuesPerImage { get; }

    /// <summary>Number of images.</summary>
    public int Count => Labels.Length;

    /// <summary>Values of one image, [channels, height, width].</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public ReadOnlySpan<byte> Image(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return Pixels.Span.Slice(index * ValuesPerImage, ValuesPerImage);
    }
}

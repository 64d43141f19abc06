using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>Labelled images: a part to train on and a part to test on.</summary>
public sealed class ImageDataset : Dataset
{
    /// <summary>Creates the data set and checks that its parts belong together.</summary>
    /// <exception cref="ArgumentException">Shapes, statistics or labels do not belong together.</exception>
    public ImageDataset(
        string name,
        (int Channels, int Height, int Width) shape,
        ImmutableArray<string> classNames,
        ImageExamples train,
        ImageExamples test,
        ImmutableArray<float> mean,
        ImmutableArray<float> standardDeviation,
        Augmentation defaultAugmentation)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(defaultAugmentation);
        (Channels, Height, Width) = shape;
        ClassNames = classNames;
        Train = train;
        Test = test;
        Mean = mean;
        StandardDeviation = standardDeviation;
        DefaultAugmentation = defaultAugmentation;
        if (mean.Length != Channels || standardDeviation.Length != Channels || standardDeviation.Any(value => !(value > 0)))
        {
            throw new ArgumentException($"mean and a positive standard deviation are needed for each of {Channels} channels");
        }

        Check(train, nameof(train));
        Check(test, nameof(test));
    }

    /// <summary>Examples for training and validation; see <see cref="DataSplit"/>.</summary>
    public ImageExamples Train { get; }

    /// <summary>Examples that no decision may look at.</summary>
    public ImageExamples Test { get; }

    /// <summary>Names of the classes; a label is an index into them.</summary>
    public ImmutableArray<string> ClassNames { get; }

    /// <inheritdoc/>
    public override int ClassCount => ClassNames.Length;

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>Mean of each channel over the training examples, of values in [0, 1].</summary>
    public ImmutableArray<float> Mean { get; }

    /// <summary>Standard deviation of each channel over the training examples, of values in [0, 1].</summary>
    public ImmutableArray<float> StandardDeviation { get; }

    /// <summary>What training usually does to these images.</summary>
    public Augmentation DefaultAugmentation { get; }

    private void Check(ImageExamples examples, string part)
    {
        if (examples.ValuesPerImage != Channels * Height * Width)
        {
            throw new ArgumentException(
                $"an image of {Channels}x{Height}x{Width} has {Channels * Height * Width} values, not {examples.ValuesPerImage}",
                part);
        }

        foreach (byte label in examples.Labels.Span)
        {
            if (label >= ClassNames.Length)
            {
                throw new ArgumentException($"label {label} is not one of {ClassNames.Length} classes", part);
            }
        }
    }
}

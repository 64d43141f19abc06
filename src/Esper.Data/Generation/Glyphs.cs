namespace Esper.Data;

/// <summary>
/// A drawn data set of ten signs, 3x32x32: the one that needs no files. A linear classifier cannot do it, since a sign
/// may be lighter or darker than its ground, anywhere, turned and hidden; a small convolutional network can, but not at
/// once.
/// </summary>
public static class Glyphs
{
    /// <summary>
    /// The usual seed, whose statistics are the stored ones. Another seed draws other examples of the same kind.
    /// </summary>
    public const long DefaultSeed = 0;

    /// <summary>The usual number of training examples.</summary>
    public const int DefaultTrainCount = 12_000;

    /// <summary>The usual number of test examples.</summary>
    public const int DefaultTestCount = 2_000;

    private const int ValuesPerImage = 3 * GlyphCanvas.Area;

    /// <summary>
    /// Draws the data set on all cores. An example depends on (seed, part, its index) only, so the bits are the same
    /// for every number of threads, and a smaller set is the beginning of a larger one. Classes follow each other in
    /// turn.
    /// </summary>
    /// <param name="trainCount">Training examples, at least 1.</param>
    /// <param name="testCount">Test examples, at least 1.</param>
    /// <param name="seed">Seed of the drawing.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ImageDataset Generate(int trainCount, int testCount, long seed, CancellationToken cancellationToken) =>
        Generate(trainCount, testCount, seed, threads: Environment.ProcessorCount, cancellationToken);

    internal static ImageDataset Generate(
        int trainCount, int testCount, long seed, int threads, CancellationToken cancellationToken) =>
        new(
            Datasets.Glyphs,
            (3, GlyphCanvas.Size, GlyphCanvas.Size),
            GlyphShapes.Names,
            Draw(trainCount, seed, RandomStream.GlyphTrain, threads, cancellationToken),
            Draw(testCount, seed, RandomStream.GlyphTest, threads, cancellationToken),
            [0.4981f, 0.4997f, 0.5005f],
            [0.1483f, 0.1486f, 0.1484f],
            new Augmentation { CropPadding = 2 });

    private static ImageExamples Draw(
        int count, long seed, RandomStream stream, int threads, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        byte[] pixels = GC.AllocateUninitializedArray<byte>(checked(count * ValuesPerImage));
        byte[] labels = new byte[count];
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        Parallel.For(
            0,
            count,
            options,
            () => new GlyphPainter(),
            (index, _, painter) =>
            {
                labels[index] = (byte)(index % GlyphShapes.Names.Length);
                painter.Paint(
                    labels[index], new CounterRandom(seed, stream, index), pixels.AsSpan(index * ValuesPerImage, ValuesPerImage));
                return painter;
            },
            _ => { });
        return new ImageExamples(pixels, labels, ValuesPerImage);
    }
}

using System.Numerics;
using System.Security.Cryptography;

namespace Esper.Data.Tests;

public sealed class GlyphsTests
{
    private static readonly Lazy<ImageDataset> Usual = new(
        () => Assert.IsType<ImageDataset>(Datasets.Load("glyphs", null, Glyphs.DefaultSeed, CancellationToken.None)));

    [Fact]
    public void Bits_of_the_usual_set_are_fixed()
    {
        Assert.Equal("D64F51BB80D87F5634F0E0954DD17A620163FA959949CBFE4B107CB4992C3B26", Digest(Usual.Value.Train));
        Assert.Equal("83DBDE980F4710166AD79E1FC4C242D89044584E1D1B4A6A23E86A1018A705A7", Digest(Usual.Value.Test));
    }

    [Fact]
    public void Number_of_threads_changes_nothing_and_a_small_set_begins_a_large_one()
    {
        ImageDataset one = Glyphs.Generate(230, 41, 9, threads: 1, CancellationToken.None);
        ImageDataset many = Glyphs.Generate(230, 41, 9, threads: 5, CancellationToken.None);
        Assert.Equal(Digest(one.Train), Digest(many.Train));
        Assert.Equal(Digest(one.Test), Digest(many.Test));
        ImageDataset small = Glyphs.Generate(37, 5, 9, CancellationToken.None);
        Assert.Equal(one.Train.Pixels.Span[..small.Train.Pixels.Length], small.Train.Pixels.Span);
        Assert.Equal(one.Test.Pixels.Span[..small.Test.Pixels.Length], small.Test.Pixels.Span);
    }

    [Fact]
    public void Seed_and_part_decide_the_drawing()
    {
        ImageDataset one = Glyphs.Generate(20, 20, 1, CancellationToken.None);
        ImageDataset other = Glyphs.Generate(20, 20, 2, CancellationToken.None);
        string[] digests = [Digest(one.Train), Digest(one.Test), Digest(other.Train), Digest(other.Test)];
        Assert.Equal(4, digests.Distinct().Count());
    }

    [Fact]
    public void Usual_set_has_its_size_and_equal_classes()
    {
        ImageDataset dataset = Usual.Value;
        Assert.Equal((12_000, 2_000), (dataset.Train.Count, dataset.Test.Count));
        Assert.Equal((3, 32, 32), (dataset.Channels, dataset.Height, dataset.Width));
        Assert.Equal(10, dataset.ClassNames.Distinct().Count());
        Assert.All(dataset.Train.Labels.ToArray().CountBy(label => label), group => Assert.Equal(1200, group.Value));
        Assert.All(dataset.Test.Labels.ToArray().CountBy(label => label), group => Assert.Equal(200, group.Value));
    }

    [Fact]
    public void No_two_examples_are_alike()
    {
        ImageDataset dataset = Usual.Value;
        HashSet<string> digests = [];
        foreach (ImageExamples part in new[] { dataset.Train, dataset.Test })
        {
            for (int i = 0; i < part.Count; i++)
            {
                Assert.True(digests.Add(Convert.ToHexString(SHA256.HashData(part.Image(i)))));
            }
        }
    }

    [Fact]
    public void Stored_statistics_are_those_of_the_training_set()
    {
        ImageDataset dataset = Usual.Value;
        for (int channel = 0; channel < 3; channel++)
        {
            long sum = 0;
            long squares = 0;
            for (int i = 0; i < dataset.Train.Count; i++)
            {
                foreach (byte value in dataset.Train.Image(i).Slice(channel * 1024, 1024))
                {
                    sum += value;
                    squares += value * value;
                }
            }

            double count = dataset.Train.Count * 1024.0;
            double mean = sum / count;
            double deviation = Math.Sqrt((squares / count) - (mean * mean));

            // Constants have four decimals.
            Assert.Equal(mean / 255, dataset.Mean[channel], 0.00005001);
            Assert.Equal(deviation / 255, dataset.StandardDeviation[channel], 0.00005001);
        }
    }

    /// <summary>A sign may be lighter or darker than its ground, anywhere: no template helps.</summary>
    [Fact]
    public void Nearest_class_mean_is_hardly_better_than_chance()
    {
        ImageDataset dataset = Usual.Value;
        float[][] means = [.. Enumerable.Range(0, 10).Select(label => ClassMean(dataset.Train, label))];
        int right = 0;
        for (int i = 0; i < dataset.Test.Count; i++)
        {
            int nearest = Enumerable.Range(0, 10).MinBy(label => SquaredDistance(dataset.Test.Image(i), means[label]));
            right += nearest == dataset.Test.Labels.Span[i] ? 1 : 0;
        }

        Assert.InRange(right, 0, dataset.Test.Count / 4);
    }

    [Fact]
    public void Cancelled_token_ends_the_drawing() =>
        Assert.ThrowsAny<OperationCanceledException>(() => Glyphs.Generate(10, 10, 0, new CancellationToken(true)));

    [Fact]
    public void Shapes_fill_their_square_and_have_names()
    {
        Assert.Equal(GlyphShapes.Names.Length, GlyphShapes.Strokes.Length);
        foreach (Vector2[] points in GlyphShapes.Strokes.Select(sign => sign.SelectMany(line => line).ToArray()))
        {
            Assert.All(points, point => Assert.InRange(MathF.Max(MathF.Abs(point.X), MathF.Abs(point.Y)), 0, 1));
            Assert.InRange(points.Max(point => point.Y) - points.Min(point => point.Y), 1.2f, 2f);
            Assert.InRange(points.Max(point => point.X) - points.Min(point => point.X), 1.2f, 2f);
        }
    }

    /// <summary>
    /// Covered area against geometry: a disc, and a line with round ends. The softened edge keeps areas to about 1 %.
    /// </summary>
    [Theory]
    [InlineData(0, 0, 5)]
    [InlineData(7, 4, 1.3)]
    [InlineData(-9, 2, 2.6)]
    public void Strokes_cover_their_area(float alongX, float alongY, float halfWidth)
    {
        GlyphCanvas canvas = new();
        canvas.Fill(Plain(0));
        canvas.BeginStrokes();
        Vector2 start = new(15.3f, 14.8f);
        canvas.AddStroke(start, start + new Vector2(alongX, alongY), halfWidth + 1);
        canvas.PaintStrokes(halfWidth, Plain(200), opacity: 1);
        double covered = Render(canvas)[..1024].ToArray().Sum(value => value / 200.0);
        double length = Math.Sqrt((alongX * alongX) + (alongY * alongY));
        double area = (2 * halfWidth * length) + (Math.PI * halfWidth * halfWidth);
        Assert.InRange(covered / area, 0.98, 1.02);
    }

    [Fact]
    public void Gradients_opacity_and_discs_give_the_expected_levels()
    {
        GlyphCanvas canvas = new();
        canvas.Fill(new Gradient(new Vector3(100, 50, 20), new Vector3(31, 0, -15.5f), new Vector2(0, 1)));
        byte[] pixels = Render(canvas);
        Assert.Equal((69, 131), (pixels[0], pixels[1023]));
        Assert.Equal((50, 50), (pixels[1024], pixels[2047]));
        Assert.Equal((36, 5), (pixels[2048], pixels[3071]));

        canvas.Fill(Plain(100));
        canvas.BeginStrokes();
        canvas.AddStroke(new Vector2(4, 10), new Vector2(20, 10), 3);
        canvas.PaintStrokes(2, Plain(200), opacity: 0.5f);
        canvas.PaintDisc(new Vector2(16, 10), 1, Plain(30));
        pixels = Render(canvas);
        Assert.Equal((150, 30, 100), (pixels[(10 * 32) + 8], pixels[(10 * 32) + 16], pixels[(20 * 32) + 8]));
    }

    [Fact]
    public void Noise_has_the_asked_deviation_and_shares_a_part_between_channels()
    {
        GlyphCanvas canvas = new();
        canvas.Fill(Plain(128));
        byte[] pixels = new byte[3072];
        CounterRandom random = new(3, RandomStream.GlyphTrain);
        canvas.Render(pixels, sharedNoise: 9, channelNoise: 12, ref random);
        double[] values = [.. pixels.Select(value => value - 128.0)];
        double variance = values.Sum(value => value * value) / 3072;
        double covariance = Enumerable.Range(0, 1024).Sum(i => values[i] * values[1024 + i]) / 1024;

        // 9^2 + 12^2 = 225 and 9^2 = 81; bands of about five standard errors.
        Assert.InRange(variance, 190, 260);
        Assert.InRange(covariance, 45, 117);
    }

    private static Gradient Plain(float level) => new(new Vector3(level), Vector3.Zero, Vector2.Zero);

    private static byte[] Render(GlyphCanvas canvas)
    {
        byte[] pixels = new byte[3072];
        CounterRandom random = new(0, RandomStream.GlyphTrain);
        canvas.Render(pixels, 0, 0, ref random);
        return pixels;
    }

    private static string Digest(ImageExamples examples) =>
        Convert.ToHexString(SHA256.HashData([.. examples.Pixels.Span, .. examples.Labels.Span]));

    private static float[] ClassMean(ImageExamples examples, int label)
    {
        float[] sum = new float[examples.ValuesPerImage];
        int count = 0;
        for (int i = 0; i < examples.Count; i++)
        {
            if (examples.Labels.Span[i] == label)
            {
                count++;
                ReadOnlySpan<byte> image = examples.Image(i);
                for (int j = 0; j < sum.Length; j++)
                {
                    sum[j] += image[j];
                }
            }
        }

        return [.. sum.Select(value => value / count)];
    }

    private static float SquaredDistance(ReadOnlySpan<byte> image, float[] mean)
    {
        float sum = 0;
        for (int j = 0; j < mean.Length; j++)
        {
            sum += (image[j] - mean[j]) * (image[j] - mean[j]);
        }

        return sum;
    }
}

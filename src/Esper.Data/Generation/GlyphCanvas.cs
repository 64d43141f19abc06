using System.Numerics;

namespace Esper.Data;

/// <summary>A 3x32x32 image of floats in [0, 255] that strokes and discs are drawn on with soft edges.</summary>
internal sealed class GlyphCanvas
{
    /// <summary>Rows and columns.</summary>
    public const int Size = 32;

    /// <summary>Pixels of a channel.</summary>
    public const int Area = Size * Size;

    private readonly float[] red = new float[Area];
    private readonly float[] green = new float[Area];
    private readonly float[] blue = new float[Area];
    private readonly float[] squaredDistance = new float[Area];

    /// <summary>Fills the canvas with a linear gradient.</summary>
    public void Fill(in Gradient paint)
    {
        for (int pixel = 0; pixel < Area; pixel++)
        {
            Vector3 colour = paint.At(pixel % Size, pixel / Size);
            (red[pixel], green[pixel], blue[pixel]) = (colour.X, colour.Y, colour.Z);
        }
    }

    /// <summary>Forgets the strokes gathered by <see cref="AddStroke"/>.</summary>
    public void BeginStrokes() => squaredDistance.AsSpan().Fill(float.MaxValue);

    /// <summary>Adds a line from a to b (in pixels) to the figure that <see cref="PaintStrokes"/> paints.</summary>
    /// <param name="a">One end.</param>
    /// <param name="b">The other end.</param>
    /// <param name="reach">Distance, in pixels, beyond which the line does not matter.</param>
    public void AddStroke(Vector2 a, Vector2 b, float reach)
    {
        Vector2 along = b - a;
        float inverseLength = 1f / MathF.Max((along.X * along.X) + (along.Y * along.Y), 1e-6f);
        int top = Bound(MathF.Min(a.Y, b.Y) - reach);
        int bottom = Bound(MathF.Max(a.Y, b.Y) + reach + 1);
        int left = Bound(MathF.Min(a.X, b.X) - reach);
        int right = Bound(MathF.Max(a.X, b.X) + reach + 1);
        for (int y = top; y < bottom; y++)
        {
            float dy = y - a.Y;
            for (int x = left; x < right; x++)
            {
                float dx = x - a.X;
                float share = ((dx * along.X) + (dy * along.Y)) * inverseLength;
                share = MathF.Min(MathF.Max(share, 0), 1);
                float restX = dx - (share * along.X);
                float restY = dy - (share * along.Y);
                ref float best = ref squaredDistance[(y * Size) + x];
                best = MathF.Min(best, (restX * restX) + (restY * restY));
            }
        }
    }

    /// <summary>Paints the gathered figure, edges softened over one pixel.</summary>
    /// <param name="halfWidth">Half of the stroke's width, in pixels.</param>
    /// <param name="paint">Its colours.</param>
    /// <param name="opacity">In [0, 1].</param>
    public void PaintStrokes(float halfWidth, in Gradient paint, float opacity)
    {
        float outer = (halfWidth + 0.5f) * (halfWidth + 0.5f);
        for (int pixel = 0; pixel < Area; pixel++)
        {
            if (squaredDistance[pixel] < outer)
            {
                float coverage = MathF.Min(halfWidth + 0.5f - MathF.Sqrt(squaredDistance[pixel]), 1);
                Blend(pixel, paint, coverage * opacity);
            }
        }
    }

    /// <summary>Paints a disc, edges softened over one pixel.</summary>
    public void PaintDisc(Vector2 centre, float radius, in Gradient paint)
    {
        BeginStrokes();
        AddStroke(centre, centre, radius + 1);
        PaintStrokes(radius, paint, opacity: 1);
    }

    /// <summary>
    /// Adds noise and rounds to bytes, [3, 32, 32]. Noise is a sum of 64 random bits less its mean: a binomial law,
    /// close to normal, of 4 units' standard deviation, made without functions that differ between platforms.
    /// </summary>
    /// <param name="pixels">3,072 bytes to write.</param>
    /// <param name="sharedNoise">Standard deviation of the noise common to the channels, in levels.</param>
    /// <param name="channelNoise">Standard deviation of the noise of each channel, in levels.</param>
    /// <param name="random">Source of the noise.</param>
    public void Render(Span<byte> pixels, float sharedNoise, float channelNoise, ref CounterRandom random)
    {
        const float UnitDeviation = 4;
        float shared = sharedNoise / UnitDeviation;
        float own = channelNoise / UnitDeviation;
        for (int pixel = 0; pixel < Area; pixel++)
        {
            float common = shared * Binomial(ref random);
            pixels[pixel] = ToByte(red[pixel] + common + (own * Binomial(ref random)));
            pixels[Area + pixel] = ToByte(green[pixel] + common + (own * Binomial(ref random)));
            pixels[(2 * Area) + pixel] = ToByte(blue[pixel] + common + (own * Binomial(ref random)));
        }
    }

    private static int Bound(float position) => (int)MathF.Min(MathF.Max(MathF.Ceiling(position), 0), Size);

    private static float Binomial(ref CounterRandom random) => BitOperations.PopCount(random.NextBits()) - 32;

    private static byte ToByte(float value) => (byte)(MathF.Min(MathF.Max(value, 0), 255) + 0.5f);

    private void Blend(int pixel, in Gradient paint, float weight)
    {
        Vector3 colour = paint.At(pixel % Size, pixel / Size);
        red[pixel] += weight * (colour.X - red[pixel]);
        green[pixel] += weight * (colour.Y - green[pixel]);
        blue[pixel] += weight * (colour.Z - blue[pixel]);
    }
}

using System.Collections.Immutable;
using System.Numerics;

namespace Esper.Data;

/// <summary>
/// Draws one example after another: a sign, moved, turned, sheared and stretched, over a gradient with clutter strokes,
/// partly hidden by discs, under noise. Uses +, -, x, /, square roots and comparisons only, which every platform rounds
/// alike.
/// </summary>
internal sealed class GlyphPainter
{
    private const float Middle = (GlyphCanvas.Size - 1) / 2f;
    private readonly GlyphCanvas canvas = new();

    /// <summary>Draws an example of a class.</summary>
    /// <param name="label">Index into <see cref="GlyphShapes.Strokes"/>.</param>
    /// <param name="random">Decides everything else.</param>
    /// <param name="pixels">3,072 bytes to write, [3, 32, 32].</param>
    public void Paint(int label, CounterRandom random, Span<byte> pixels)
    {
        Gradient background = RandomGradient(ref random, RandomColour(ref random, 75, 180), 30);
        canvas.Fill(background);
        int strokesBehind = 1 + random.NextInteger(3);
        for (int i = 0; i < strokesBehind; i++)
        {
            PaintClutter(ref random, background);
        }

        PaintSign(label, ref random, background);
        if (random.NextInteger(2) == 0)
        {
            PaintClutter(ref random, background);
        }

        int discs = random.NextInteger(3);
        for (int i = 0; i < discs; i++)
        {
            Vector2 centre = Middle * Vector2.One + new Vector2(random.NextSingle(-11, 11), random.NextSingle(-11, 11));
            Vector3 colour = background.Centre + Contrast(ref random, 10, 50);
            canvas.PaintDisc(centre, random.NextSingle(1.5f, 3.5f), RandomGradient(ref random, colour, 10));
        }

        canvas.Render(pixels, random.NextSingle(3, 14), random.NextSingle(3, 14), ref random);
    }

    private void PaintSign(int label, ref CounterRandom random, in Gradient background)
    {
        Matrix3x2 placement = RandomPlacement(ref random);
        float halfWidth = random.NextSingle(0.6f, 1.5f);
        Vector3 colour = background.Centre + Contrast(ref random, 24, 80);
        canvas.BeginStrokes();
        foreach (ImmutableArray<Vector2> line in GlyphShapes.Strokes[label])
        {
            for (int i = 1; i < line.Length; i++)
            {
                canvas.AddStroke(Apply(placement, line[i - 1]), Apply(placement, line[i]), halfWidth + 1);
            }
        }

        canvas.PaintStrokes(halfWidth, RandomGradient(ref random, colour, 15), opacity: 1);
    }

    /// <summary>A bent line somewhere on the canvas.</summary>
    private void PaintClutter(ref CounterRandom random, in Gradient background)
    {
        Vector2 start = new(random.NextSingle(0, 31), random.NextSingle(0, 31));
        Vector2 bend = start + new Vector2(random.NextSingle(-9, 9), random.NextSingle(-9, 9));
        Vector2 end = bend + new Vector2(random.NextSingle(-9, 9), random.NextSingle(-9, 9));
        float halfWidth = random.NextSingle(0.5f, 1.2f);
        canvas.BeginStrokes();
        canvas.AddStroke(start, bend, halfWidth + 1);
        canvas.AddStroke(bend, end, halfWidth + 1);
        Vector3 colour = background.Centre + Contrast(ref random, 20, 60);
        canvas.PaintStrokes(halfWidth, RandomGradient(ref random, colour, 10), random.NextSingle(0.6f, 1));
    }

    /// <summary>
    /// From unit coordinates to pixels: stretch, shear, turn by up to 30 degrees, move. The turn is drawn as t =
    /// tan(angle / 2), of which sine and cosine are rational functions.
    /// </summary>
    private static Matrix3x2 RandomPlacement(ref CounterRandom random)
    {
        const float MaximumHalfTangent = 0.26794919f;
        float size = random.NextSingle(6, 11.5f);
        float stretch = random.NextSingle(0.8f, 1.25f);
        float shear = random.NextSingle(-0.25f, 0.25f);
        float t = random.NextSingle(-MaximumHalfTangent, MaximumHalfTangent);
        float cosine = (1 - (t * t)) / (1 + (t * t));
        float sine = 2 * t / (1 + (t * t));
        float room = MathF.Max(14.5f - size, 3);
        Vector2 x = size * stretch * new Vector2(cosine, sine);
        Vector2 y = (size / stretch * new Vector2(-sine, cosine)) + (shear * x);
        return new Matrix3x2(
            x.X, x.Y, y.X, y.Y, Middle + random.NextSingle(-room, room), Middle + random.NextSingle(-room, room));
    }

    private static Vector2 Apply(in Matrix3x2 m, Vector2 p) =>
        new((p.X * m.M11) + (p.Y * m.M21) + m.M31, (p.X * m.M12) + (p.Y * m.M22) + m.M32);

    /// <summary>A change of brightness, up or down, with a change of hue beside it.</summary>
    private static Vector3 Contrast(ref CounterRandom random, float minimum, float maximum)
    {
        float brightness = random.NextSingle(minimum, maximum) * (random.NextInteger(2) == 0 ? -1 : 1);
        return new Vector3(brightness) + RandomColour(ref random, -18, 18);
    }

    private static Vector3 RandomColour(ref CounterRandom random, float minimum, float maximum) =>
        new(random.NextSingle(minimum, maximum), random.NextSingle(minimum, maximum), random.NextSingle(minimum, maximum));

    private static Gradient RandomGradient(ref CounterRandom random, Vector3 centre, float change) =>
        new(
            centre,
            RandomColour(ref random, -change, change),
            new Vector2(random.NextSingle(-1, 1), random.NextSingle(-1, 1)));
}

using System.Collections.Immutable;
using System.Numerics;

namespace Esper.Data;

/// <summary>
/// The ten signs as polylines in [-1, 1] x [-1, 1], y downwards. No two are alike under rotations of up to 30 degrees,
/// shear and uneven scaling, yet each has a near relative: ring, arc and spiral; triangle and square; plus, arrow and
/// fork; wave and zigzag.
/// </summary>
internal static class GlyphShapes
{
    /// <summary>Names of the classes, in the order of <see cref="Strokes"/>.</summary>
    public static ImmutableArray<string> Names { get; } =
        ["ring", "arc", "spiral", "triangle", "square", "plus", "arrow", "fork", "wave", "zigzag"];

    /// <summary>Polylines of each class.</summary>
    public static ImmutableArray<ImmutableArray<ImmutableArray<Vector2>>> Strokes { get; } =
    [
        [Turn(first: 0, steps: 16, startRadius: 0.9f, endRadius: 0.9f)],
        [Turn(first: 2, steps: 12, startRadius: 0.9f, endRadius: 0.9f)],
        [Turn(first: 4, steps: 26, startRadius: 0.95f, endRadius: 0.12f)],
        [[new(0, -0.95f), new(0.95f, 0.75f), new(-0.95f, 0.75f), new(0, -0.95f)]],
        [[new(-0.8f, -0.8f), new(0.8f, -0.8f), new(0.8f, 0.8f), new(-0.8f, 0.8f), new(-0.8f, -0.8f)]],
        [[new(0, -0.95f), new(0, 0.95f)], [new(-0.95f, 0), new(0.95f, 0)]],
        [[new(0, 0.95f), new(0, -0.95f)], [new(-0.7f, -0.2f), new(0, -0.95f), new(0.7f, -0.2f)]],
        [[new(0, 0.95f), new(0, 0.05f)], [new(-0.75f, -0.9f), new(0, 0.05f), new(0.75f, -0.9f)]],
        [
            [
                new(0.75f, -0.7f), new(0.45f, -0.92f), new(0, -1), new(-0.45f, -0.9f), new(-0.68f, -0.58f), new(-0.5f, -0.22f),
                new(0, 0), new(0.5f, 0.22f), new(0.68f, 0.58f), new(0.45f, 0.9f), new(0, 1), new(-0.45f, 0.92f), new(-0.75f, 0.7f),
            ],
        ],
        [[new(-0.8f, -0.85f), new(0.8f, -0.85f), new(-0.8f, 0.85f), new(0.8f, 0.85f)]],
    ];

    /// <summary>
    /// Directions at multiples of 22.5 degrees: constants, since sines may differ in the last bit between platforms.
    /// </summary>
    private static Vector2 Direction(int step)
    {
        const float C1 = 0.92387953f;
        const float S1 = 0.38268343f;
        const float C2 = 0.70710678f;
        Vector2 first = (step & 3) switch
        {
            0 => new(1, 0),
            1 => new(C1, S1),
            2 => new(C2, C2),
            _ => new(S1, C1),
        };
        return ((step >> 2) & 3) switch
        {
            0 => first,
            1 => new(-first.Y, first.X),
            2 => -first,
            _ => new(first.Y, -first.X),
        };
    }

    private static ImmutableArray<Vector2> Turn(int first, int steps, float startRadius, float endRadius) =>
        [.. Enumerable.Range(0, steps + 1).Select(
            step => Direction(first + step) * (startRadius + ((endRadius - startRadius) * step / steps)))];
}

using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Kasmina.Lifecycle;

/// <summary>Shapes in which alpha rises: monotone maps of [0, 1] onto [0, 1] that fix both ends exactly.</summary>
public static class AlphaSchedule
{
    /// <summary>Steepness of the sigmoid: its slope is this over 4 times the linear one in the middle, before rescaling.</summary>
    private const double SigmoidSteepness = 10;

    /// <summary>Names of all shapes.</summary>
    public static ImmutableArray<string> Names { get; } = ["linear", "cosine", "sigmoid"];

    /// <summary>Share of the target that alpha has at <paramref name="progress"/> (clamped to [0, 1]) of its rise.</summary>
    /// <exception cref="EsperException">There is no such shape.</exception>
    public static double At(string name, double progress)
    {
        double t = Math.Clamp(progress, 0, 1);
        return name switch
        {
            "linear" => t,
            "cosine" => t is 0 or 1 ? t : 0.5 * (1 - Math.Cos(Math.PI * t)),
            "sigmoid" => t is 0 or 1 ? t : Sigmoid(t),
            _ => throw new EsperException(
                $"lifecycle.blend_schedule: '{name}' is unknown; known are {string.Join(", ", Names)}."),
        };
    }

    /// <summary>The logistic function over [-s/2, s/2], shifted and scaled so that it meets (0, 0) and (1, 1).</summary>
    private static double Sigmoid(double t)
    {
        double low = Logistic(-SigmoidSteepness / 2);
        return (Logistic(SigmoidSteepness * (t - 0.5)) - low) / (1 - (2 * low));
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}

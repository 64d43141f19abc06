using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>Standard normal numbers.</summary>
public static class Normal
{
    /// <summary>A standard normal number that is a function of its key alone (Box and Muller).</summary>
    public static double Draw(ulong key)
    {
        double radius = 1 - KeyedRandom.Uniform(key, 0);
        return Math.Sqrt(-2 * Math.Log(radius)) * Math.Cos(2 * Math.PI * KeyedRandom.Uniform(key, 1));
    }
}

using System.Text;

namespace Esper.Graph;

/// <summary>
/// Random numbers that are a function of (seed, name, position) alone: SplitMix64's output function over a counter, started
/// at a key that mixes the seed with the FNV-1a hash of the name.
/// </summary>
internal readonly struct CounterRandom
{
    private const ulong Increment = 0x9E3779B97F4A7C15;

    private readonly ulong _key;

    public CounterRandom(long seed, string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = unchecked((hash ^ b) * 0x100000001B3);
        }

        _key = Mix(Mix(unchecked((ulong)seed + Increment)) ^ hash);
    }

    /// <summary>64 random bits at a position.</summary>
    public ulong Bits(long position) => Mix(unchecked(_key + (((ulong)position + 1) * Increment)));

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double Uniform(long position) => (Bits(position) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Standard normal by Box-Muller: positions 2k and 2k + 1 share the uniform draws of those positions.</summary>
    public double Normal(long position)
    {
        long pair = position & ~1L;
        double radius = Math.Sqrt(-2 * Math.Log(1 - Uniform(pair)));
        double angle = 2 * Math.PI * Uniform(pair + 1);
        return radius * ((position & 1) == 0 ? Math.Cos(angle) : Math.Sin(angle));
    }

    private static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}

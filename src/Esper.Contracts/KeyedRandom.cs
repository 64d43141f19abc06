namespace Esper.Contracts;

/// <summary>
/// Counter-based random numbers: each is a pure function of its keys, so nothing depends on the order of draws and there is
/// no state to save. The mixing function is SplitMix64's finaliser (Steele, Lea, Flood 2014), applied once a key.
/// </summary>
public static class KeyedRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>64 random bits for the given keys.</summary>
    public static ulong Bits(params ReadOnlySpan<ulong> keys)
    {
        ulong state = Golden;
        foreach (ulong key in keys)
        {
            state = Mix(unchecked(state + Golden) ^ Mix(unchecked(key + Golden)));
        }

        return state;
    }

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    public static double Uniform(params ReadOnlySpan<ulong> keys) => (Bits(keys) >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform whole number in [0, <paramref name="bound"/>); the bias is below 2^-32 for bounds that fit 32 bits.</summary>
    public static int Below(int bound, params ReadOnlySpan<ulong> keys)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)Math.BigMul(Bits(keys), (ulong)bound, out _);
    }

    /// <summary>A key from text (FNV-1a over its UTF-16 code units), stable across processes and versions.</summary>
    public static ulong Key(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ulong hash = 14695981039346656037;
        foreach (char c in text)
        {
            hash = unchecked((hash ^ c) * 1099511628211);
        }

        return hash;
    }

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}

using Esper.Contracts;

namespace Esper.Data;

/// <summary>What a sequence of random numbers is for; sequences of different purposes are independent.</summary>
internal enum RandomStream
{
    /// <summary>Order of training examples.</summary>
    Order = 1,

    /// <summary>Crops and flips.</summary>
    Augmentation = 2,

    /// <summary>Starts of text windows.</summary>
    Windows = 3,

    /// <summary>Choice of validation examples.</summary>
    Split = 4,

    /// <summary>Drawn training examples.</summary>
    GlyphTrain = 5,

    /// <summary>Drawn test examples.</summary>
    GlyphTest = 6,
}

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014) started from a key, so that the n-th number is a hash of (seed, stream,
/// position) and n: a draw depends on what it is for, never on which thread asked for it or in which order.
/// </summary>
internal struct CounterRandom
{
    private const ulong Increment = 0x9E3779B97F4A7C15;
    private ulong state;

    /// <summary>Starts the sequence of one (seed, stream, position).</summary>
    public CounterRandom(long seed, RandomStream stream, long first = 0, long second = 0) =>
        state = KeyedRandom.Bits((ulong)seed, (ulong)stream, (ulong)first, (ulong)second);

    /// <summary>Starts plain SplitMix64 from its own seed.</summary>
    internal CounterRandom(ulong state) => this.state = state;

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        state += Increment;
        return Mix(state);
    }

    /// <summary>Uniform in [0, exclusiveMaximum); the bias of the multiply-shift is below 2^-32.</summary>
    public int NextInteger(int exclusiveMaximum) =>
        (int)(((NextBits() >> 32) * (ulong)exclusiveMaximum) >> 32);

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    public float NextSingle() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform in [minimum, maximum).</summary>
    public float NextSingle(float minimum, float maximum) => minimum + ((maximum - minimum) * NextSingle());

    /// <summary>Puts values into a uniformly random order (Fisher-Yates).</summary>
    public void Shuffle(Span<int> values)
    {
        for (int last = values.Length - 1; last > 0; last--)
        {
            int other = NextInteger(last + 1);
            (values[last], values[other]) = (values[other], values[last]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

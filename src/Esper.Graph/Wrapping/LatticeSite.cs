namespace Esper.Graph;

/// <summary>Order of a site's tensor in memory. The numbers are those of <c>esper_layout</c>.</summary>
public enum SiteLayout
{
    /// <summary>[batch][channels][positions]: channels on axis 1, as convolutions make them.</summary>
    Nchw = 0,

    /// <summary>[batch][positions][channels]: channels on the last axis, as products with matrices make them.</summary>
    Tokens = 1,
}

/// <summary>Channel range of a seed.</summary>
/// <param name="Begin">First channel.</param>
/// <param name="Count">Number of channels.</param>
public readonly record struct SeedChunk(int Begin, int Count);

/// <summary>A value of a host graph where a lattice of seeds sits.</summary>
/// <param name="Index">Number of the site, from 0 in graph order.</param>
/// <param name="ValueName">The host's value, which the lattice reads.</param>
/// <param name="OutputName">The lattice's value, which the host's nodes read instead; also the lattice node's name.</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="Positions">Positions of one example: height * width, tokens, or 1.</param>
/// <param name="Layout">Where the channels are.</param>
/// <param name="Seeds">Number of seeds, at most <paramref name="Channels"/>.</param>
/// <param name="Producer">
/// The parameter whose slices make the channels (the nearest weight of a Conv, Gemm or MatMul upstream); null if there is none.
/// </param>
/// <param name="ProducerAxis">Axis of the producer that holds the channels; -1 without a producer.</param>
/// <param name="IncomingFlops">
/// Forward FLOPs of one example that the host spends on the value since the nearest sites upstream.
/// </param>
/// <param name="IncomingParameters">Trained parameters of the nodes counted there.</param>
public sealed record LatticeSite(
    int Index,
    string ValueName,
    string OutputName,
    int Channels,
    long Positions,
    SiteLayout Layout,
    int Seeds,
    string? Producer,
    int ProducerAxis,
    long IncomingFlops,
    long IncomingParameters)
{
    /// <summary>
    /// Channel range of a seed: sizes are floor(C / S), the first C mod S seeds have one more. As <c>esper_chunk</c>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The site has no seed of that number.</exception>
    public SeedChunk Chunk(int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(seed, Seeds);
        (int size, int larger) = Math.DivRem(Channels, Seeds);
        return new SeedChunk((seed * size) + Math.Min(seed, larger), size + (seed < larger ? 1 : 0));
    }
}

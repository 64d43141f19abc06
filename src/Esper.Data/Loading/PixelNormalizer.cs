using System.Collections.Immutable;

namespace Esper.Data;

/// <summary>
/// Turns bytes into (byte / 255 - mean) / deviation by a table of 256 values a channel, computed in float32 in this
/// order, as PyTorch does, so that both give the same bits.
/// </summary>
internal sealed class PixelNormalizer
{
    private const int Levels = 256;
    private readonly float[] table;

    public PixelNormalizer(ImmutableArray<float> mean, ImmutableArray<float> standardDeviation)
    {
        table = new float[mean.Length * Levels];
        for (int i = 0; i < table.Length; i++)
        {
            int channel = i / Levels;
            table[i] = (((i % Levels) / 255f) - mean[channel]) / standardDeviation[channel];
        }
    }

    /// <summary>What a byte of 0, which is what padding holds, becomes in a channel.</summary>
    public float Zero(int channel) => table[channel * Levels];

    /// <summary>Converts values of one channel.</summary>
    public void Convert(int channel, ReadOnlySpan<byte> source, Span<float> target)
    {
        ReadOnlySpan<float> levels = table.AsSpan(channel * Levels, Levels);
        target = target[..source.Length];
        for (int i = 0; i < source.Length; i++)
        {
            target[i] = levels[source[i]];
        }
    }

    /// <summary>Converts values of one channel into the reverse order.</summary>
    public void ConvertReversed(int channel, ReadOnlySpan<byte> source, Span<float> target)
    {
        ReadOnlySpan<float> levels = table.AsSpan(channel * Levels, Levels);
        target = target[..source.Length];
        for (int i = 0; i < source.Length; i++)
        {
            target[target.Length - 1 - i] = levels[source[i]];
        }
    }
}

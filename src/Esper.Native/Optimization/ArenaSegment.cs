using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>A contiguous part of an arena with a rate of its own: one seed's parameters, or a whole tensor.</summary>
/// <param name="Offset">Floats from the arena's start; segments come in rising order and do not overlap.</param>
/// <param name="Count">Number of floats.</param>
/// <param name="LearningRate">Learning rate, at least 0.</param>
/// <param name="Step">Step count of AdamW: 1 for the segment's first step.</param>
/// <param name="Frozen">Whether nothing of the segment is touched.</param>
public readonly record struct ArenaSegment(long Offset, long Count, double LearningRate, long Step = 1, bool Frozen = false)
{
    internal static EsperArenaSegment[] ToNative(ReadOnlySpan<ArenaSegment> segments)
    {
        EsperArenaSegment[] native = new EsperArenaSegment[segments.Length];
        for (int i = 0; i < native.Length; i++)
        {
            ArenaSegment segment = segments[i];
            native[i] = EsperArenaSegment.Create();
            native[i].Flags = segment.Frozen ? (uint)EsperSeedFlags.Frozen : 0;
            native[i].Offset = segment.Offset;
            native[i].Count = segment.Count;
            native[i].LearningRate = segment.LearningRate;
            native[i].Step = segment.Step;
        }

        return native;
    }
}

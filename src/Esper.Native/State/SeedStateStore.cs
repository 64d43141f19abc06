using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// State of many seeds in native memory, at most 32 bytes a seed. One thread at a time may write (<see cref="Transition"/>,
/// <see cref="SetAlpha"/>, <see cref="Assign"/>, <see cref="EndEpoch"/>, <see cref="Restore"/>, <see cref="Mirror(SeedMirror)"/>).
/// Any number of threads may read meanwhile (<see cref="Read"/>, <see cref="Select"/>, <see cref="Verify"/>, <see cref="Version"/>)
/// without locks: each row that they see was written as a whole, and they never block the writer. Two reads may see two different
/// moments; <see cref="Version"/> before and after tells.
/// </summary>
public sealed unsafe partial class SeedStateStore : IDisposable
{
    private readonly SeedStoreHandle handle;

    /// <summary>Creates a store of that many seeds (1 to 16,777,216), all Dormant with alpha 0.</summary>
    /// <exception cref="NativeException">The number is out of range or memory is short.</exception>
    public SeedStateStore(int count)
    {
        Status.Check(EsperApi.SeedStoreCreate(count, out handle), nameof(SeedStateStore));
        int rows;
        long bytes;
        Status.Check(EsperApi.SeedStoreQuery(handle, &rows, &bytes), nameof(SeedStateStore));
        Count = rows;
        Bytes = bytes;
    }

    /// <summary>Number of seeds.</summary>
    public int Count { get; }

    /// <summary>Bytes that the store occupies for them.</summary>
    public long Bytes { get; }

    /// <summary>Number of changes made so far: who sees the same version twice has missed nothing in between.</summary>
    public ulong Version
    {
        get
        {
            ulong version;
            Status.Check(EsperApi.SeedStoreVersion(handle, &version));
            return version;
        }
    }

    /// <summary>Reads one row.</summary>
    /// <exception cref="NativeException">There is no such seed.</exception>
    public SeedState Read(int seed)
    {
        EsperSeedState state = EsperSeedState.Create();
        Status.Check(EsperApi.SeedStoreRead(handle, seed, &state));
        return SeedState.FromNative(state);
    }

    /// <summary>Moves a seed to another stage and sets its age to 0; entering Dormant clears the row.</summary>
    /// <exception cref="NativeException">
    /// <see cref="NativeStatus.IllegalTransition"/>: the lifecycle has no such step; or there is no such seed.
    /// </exception>
    public void Transition(int seed, SeedStage to) => Status.Check(EsperApi.SeedStoreTransition(handle, seed, (int)to));

    /// <summary>Sets alpha, which must be in [0, 1].</summary>
    /// <exception cref="NativeException">Alpha is out of range, or there is no such seed.</exception>
    public void SetAlpha(int seed, float alpha) => Status.Check(EsperApi.SeedStoreSetAlpha(handle, seed, alpha));

    /// <summary>Sets blueprint number, embargo length in epochs and flags.</summary>
    /// <exception cref="NativeException">There is no such seed.</exception>
    public void Assign(int seed, uint blueprint, uint embargo, uint flags) =>
        Status.Check(EsperApi.SeedStoreAssign(handle, seed, blueprint, embargo, flags));

    /// <summary>Ends an epoch: every age rises by one, embargoes of Embargoed seeds fall by one down to zero.</summary>
    public void EndEpoch() => Status.Check(EsperApi.SeedStoreEndEpoch(handle));

    /// <summary>Restores a row as saved, stage included, bypassing the lifecycle table (for checkpoints).</summary>
    /// <exception cref="NativeException">The row breaks an invariant, or there is no such seed.</exception>
    public void Restore(int seed, SeedState state)
    {
        EsperSeedState native = state.ToNative();
        Status.Check(EsperApi.SeedStoreRestore(handle, seed, &native));
    }

    /// <summary>Numbers of the seeds in any of the stages, ascending.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is no stage.</exception>
    public int[] Select(params ReadOnlySpan<SeedStage> stages)
    {
        uint mask = 0;
        foreach (SeedStage stage in stages)
        {
            ArgumentOutOfRangeException.ThrowIfNegative((int)stage, nameof(stages));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((int)stage, EsperConstants.StageCount, nameof(stages));
            mask |= 1u << (int)stage;
        }

        int count;
        Status.Check(EsperApi.SeedStoreSelect(handle, mask, null, 0, &count));
        int[] seeds = new int[count];
        fixed (int* p = seeds)
        {
            Status.Check(EsperApi.SeedStoreSelect(handle, mask, p, count, &count));
        }

        return seeds;
    }

    /// <summary>Checks every invariant of every row.</summary>
    /// <exception cref="NativeException"><see cref="NativeStatus.Corrupt"/>; the message names the seed.</exception>
    public void Verify() => Status.Check(EsperApi.SeedStoreVerify(handle));

    /// <summary>Frees the store.</summary>
    public void Dispose() => handle.Dispose();
}

namespace Esper.Native;

/// <summary>
/// A copy of the seeds' views in managed memory that <see cref="SeedStateStore.Mirror(SeedMirror)"/> brings up to date. It changes in
/// that call alone, so that the writer's thread may hand it to others between two calls.
/// </summary>
public sealed class SeedMirror
{
    // Pinned: the store tells mirrors apart by their address.
    private readonly SeedView[] _views;

    /// <summary>Creates a mirror of that many seeds; it holds zeros until it is brought up to date.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public SeedMirror(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _views = GC.AllocateArray<SeedView>(count, pinned: true);
    }

    /// <summary>Number of seeds.</summary>
    public int Count => _views.Length;

    /// <summary>One view a seed, as of the last call that brought them up to date.</summary>
    public ReadOnlySpan<SeedView> Views => _views;

    internal Span<SeedView> Target => _views;
}

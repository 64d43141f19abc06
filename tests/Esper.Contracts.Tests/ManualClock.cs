namespace Esper.Contracts.Tests;

/// <summary>A clock whose wall time and monotonic time are set by hand, apart from each other.</summary>
internal sealed class ManualClock : TimeProvider
{
    public DateTimeOffset Wall { get; set; } = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    public TimeSpan Elapsed { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Wall;

    public override long GetTimestamp() => Elapsed.Ticks;
}

using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>Snapshots of a host session through the managed interface; the native tests go into the depth.</summary>
public sealed class HostSnapshotTests
{
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Steps_after_a_restore_have_the_same_bits(OptimizerKind optimizer)
    {
        using HostSession session = SmallClassifier.Session(optimizer);
        SmallClassifier.Germinate(session, SmallClassifier.Second, SeedStage.Blending, 0.5f);
        Steps(session, 3);
        using HostSnapshot snapshot = session.TakeSnapshot();
        Dictionary<string, byte[]> there = SmallClassifier.ReadAll(session);
        double[] losses = Steps(session, 3);
        Dictionary<string, byte[]> after = SmallClassifier.ReadAll(session);
        session.Release(SmallClassifier.Second);
        SmallClassifier.Germinate(session, SmallClassifier.First, SeedStage.Holding, 1);
        Assert.NotEqual(losses, Steps(session, 3));

        session.Restore(snapshot);
        Assert.Equal(there, SmallClassifier.ReadAll(session));
        Assert.True(session.ReadSeed(SmallClassifier.Second).HasModule);
        Assert.False(session.ReadSeed(SmallClassifier.First).HasModule);
        Assert.Equal(losses, Steps(session, 3));
        Assert.Equal(after, SmallClassifier.ReadAll(session));
    }

    [Fact]
    public void Memory_is_shared_until_it_is_written()
    {
        using HostSession session = SmallClassifier.Session();
        Steps(session, 1);
        using HostSnapshot snapshot = session.TakeSnapshot();
        Assert.True(snapshot.Bytes > 0);
        Assert.Equal(snapshot.Bytes, snapshot.SharedBytes);
        Steps(session, 1);
        Assert.Equal(0, snapshot.SharedBytes);
    }

    [Fact]
    public void A_snapshot_of_another_session_is_refused()
    {
        using HostSession session = SmallClassifier.Session();
        using HostSession other = SmallClassifier.Session();
        using HostSnapshot snapshot = other.TakeSnapshot();
        NativeException error = Assert.Throws<NativeException>(() => session.Restore(snapshot));
        Assert.Equal(NativeStatus.InvalidArgument, error.Status);
        Assert.Contains("another session", error.NativeText, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => session.Restore(null!));
    }

    [Fact]
    public void A_snapshot_may_outlive_its_session_and_not_its_own_end()
    {
        HostSnapshot snapshot;
        using (HostSession session = SmallClassifier.Session())
        {
            snapshot = session.TakeSnapshot();
        }

        Assert.Equal(0, snapshot.SharedBytes);
        snapshot.Dispose();
        Assert.Throws<ObjectDisposedException>(() => snapshot.Bytes);
    }

    private static double[] Steps(HostSession session, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => session.TrainStep(SmallClassifier.Inputs, 0.05f).Loss)];
}

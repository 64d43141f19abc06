using System.Runtime.InteropServices;
using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>Mirrors of the seed store: in managed memory, and through a copy of the caller's.</summary>
public sealed class SeedMirrorTests
{
    private static readonly DevicePointer Device = new(0x7000_0000_0000);

    [Fact]
    public unsafe void A_view_has_the_layout_of_the_header()
    {
        Assert.Equal(sizeof(EsperSeedView), sizeof(SeedView));
        EsperSeedView native = new() { Alpha = 0.5f, Stage = 4, Blueprint = 7, Flags = 9 };
        Assert.Equal(new SeedView(0.5f, SeedStage.Holding, 7, 9), *(SeedView*)&native);
    }

    [Fact]
    public void The_first_call_copies_everything_and_the_next_what_changed()
    {
        using SeedStateStore store = new(100);
        SeedMirror mirror = new(100);
        store.Transition(3, SeedStage.Germinated);
        store.Assign(3, blueprint: 7, embargo: 0, flags: 5);
        Assert.Equal(16 * 100, store.Mirror(mirror));
        Assert.Equal(new SeedView(0, SeedStage.Germinated, 7, 5), mirror.Views[3]);
        Assert.Equal(default, mirror.Views[99]);
        Assert.Equal(0, store.Mirror(mirror));

        store.Transition(3, SeedStage.Training);
        store.Transition(3, SeedStage.Blending);
        store.SetAlpha(3, 0.25f);
        Assert.Equal(SeedStage.Germinated, mirror.Views[3].Stage);
        Assert.Equal(16, store.Mirror(mirror));
        Assert.Equal(new SeedView(0.25f, SeedStage.Blending, 7, 5), mirror.Views[3]);
    }

    [Fact]
    public void Another_mirror_gets_everything()
    {
        using SeedStateStore store = new(10);
        SeedMirror first = new(10), second = new(10);
        store.Transition(9, SeedStage.Germinated);
        Assert.Equal(160, store.Mirror(first));
        Assert.Equal(160, store.Mirror(second));
        Assert.Equal(SeedStage.Germinated, second.Views[9].Stage);
    }

    [Fact]
    public void A_mirror_of_another_size_is_refused()
    {
        using SeedStateStore store = new(10);
        ArgumentException error = Assert.Throws<ArgumentException>(() => store.Mirror(new SeedMirror(9)));
        Assert.StartsWith("target has 9 entries, the store has 10 seeds.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeedMirror(0));
    }

    [Fact]
    public void A_device_is_reached_with_one_copy_or_none()
    {
        using SeedStateStore store = new(6);
        SeedView[] device = new SeedView[6];
        List<(ulong Address, int Bytes)> copies = [];
        int Copy(DevicePointer target, ReadOnlySpan<byte> source)
        {
            copies.Add((target.Address, source.Length));
            source.CopyTo(MemoryMarshal.AsBytes(device.AsSpan())[(int)(target.Address - Device.Address)..]);
            return 0;
        }

        Assert.Equal(96, store.Mirror(Device, Copy));
        Assert.Equal(0, store.Mirror(Device, Copy));
        store.Transition(2, SeedStage.Germinated);
        store.Transition(4, SeedStage.Germinated);
        Assert.Equal(48, store.Mirror(Device, Copy));
        Assert.Equal([(Device.Address, 96), (Device.Address + 32, 48)], copies);
        Assert.Equal([SeedStage.Germinated, SeedStage.Dormant, SeedStage.Germinated], device[2..5].Select(view => view.Stage));
    }

    [Fact]
    public void A_failed_copy_leaves_the_changes_pending_and_its_code_in_the_text()
    {
        using SeedStateStore store = new(6);
        NativeException failure = Assert.Throws<NativeException>(() => store.Mirror(Device, (_, _) => 719));
        Assert.Contains("719", failure.NativeText, StringComparison.Ordinal);
        Assert.StartsWith("Mirror: ", failure.Message, StringComparison.Ordinal);
        Assert.Equal(96, store.Mirror(Device, (_, _) => 0));
        Assert.Equal(0, store.Mirror(Device, (_, _) => 0));
    }

    [Fact]
    public void What_a_copy_throws_comes_out_and_leaves_the_changes_pending()
    {
        using SeedStateStore store = new(6);
        TimeoutException failure = Assert.Throws<TimeoutException>(
            () => store.Mirror(Device, (_, _) => throw new TimeoutException("the stream is gone")));
        Assert.Equal("the stream is gone", failure.Message);
        Assert.Equal(96, store.Mirror(Device, (_, _) => 0));
    }

    [Fact]
    public void No_device_memory_is_refused()
    {
        using SeedStateStore store = new(6);
        NativeException failure = Assert.Throws<NativeException>(() => store.Mirror(DevicePointer.None, (_, _) => 0));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Contains("target is NULL", failure.NativeText, StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_raise_the_version_and_refusals_do_not()
    {
        using SeedStateStore store = new(2);
        ulong start = store.Version;
        Assert.Equal(start, store.Version);
        store.Transition(0, SeedStage.Germinated);
        ulong moved = store.Version;
        Assert.True(moved > start);
        Assert.Throws<NativeException>(() => store.Transition(0, SeedStage.Fossilized));
        _ = store.Read(0);
        Assert.Equal(moved, store.Version);
        store.SetAlpha(0, 0.5f);
        Assert.True(store.Version > moved);
    }

    [Fact]
    public async Task Readers_on_other_threads_see_whole_rows_while_the_writer_writes()
    {
        // The writer keeps alpha, blueprint, embargo and flags of a row in step with one number; a torn row would show two.
        using SeedStateStore store = new(64);
        using CancellationTokenSource done = new();
        Task<long> Reader() => Task.Factory.StartNew(
            () =>
            {
                long reads = 0;
                while (!done.IsCancellationRequested || reads == 0)
                {
                    SeedState row = store.Read((int)(reads++ % 64));
                    Assert.Equal((row.Embargo, row.Embargo), (row.Blueprint, row.Flags));
                    Assert.Equal(64, store.Select(SeedStages.All.ToArray()).Length);
                }

                return reads;
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        Task<long>[] readers = [Reader(), Reader()];
        for (uint i = 0; i < 20_000; i++)
        {
            store.Restore((int)(i % 64), new SeedState(SeedStages.All[(int)(i % 9)], (i % 9) / 8f, 0, i, i, 0, i));
        }

        await done.CancelAsync();
        Assert.All(await Task.WhenAll(readers), reads => Assert.True(reads > 0));
        store.Verify();
    }
}

using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>Lifetime of handles and the way of errors across the interface.</summary>
public sealed class HandleTests
{
    [Fact]
    public void Disposing_twice_is_harmless_and_using_after_it_is_an_exception()
    {
        SeedStateStore store = new(3);
        store.Dispose();
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.Read(0));

        KernelContext context = new(threads: 2);
        context.Dispose();
        context.Dispose();

        using LatticeCase data = new(TensorLayout.Nchw);
        float[] y = new float[data.X.Length];
        Assert.Throws<ObjectDisposedException>(
            () => data.Lattice.Forward(context, data.Shape, data.Theta, data.X, y));
    }

    [Fact]
    public void A_borrowed_handle_lives_until_it_is_given_back()
    {
        Assert.Equal(0, EsperApi.SeedStoreCreate(2, out SeedStoreHandle handle));
        bool added = false;
        handle.DangerousAddRef(ref added);
        handle.Dispose();
        Assert.True(added);
        Assert.False(handle.IsInvalid);
        handle.DangerousRelease();
        Assert.True(handle.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => handle.DangerousAddRef(ref added));
    }

    [Fact]
    public void A_failed_creation_leaves_an_invalid_handle()
    {
        Assert.Equal((int)NativeStatus.InvalidArgument, EsperApi.SeedStoreCreate(0, out SeedStoreHandle handle));
        Assert.True(handle.IsInvalid);
    }

    [Fact]
    public void A_native_failure_carries_operation_text_and_status()
    {
        using SeedStateStore store = new(2);
        NativeException failure = Assert.Throws<NativeException>(() => store.Transition(1, SeedStage.Fossilized));
        Assert.Equal(NativeStatus.IllegalTransition, failure.Status);
        Assert.IsAssignableFrom<EsperException>(failure);
        Assert.StartsWith("Transition: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(failure.NativeText, failure.Message, StringComparison.Ordinal);
        Assert.Contains("Dormant", failure.NativeText, StringComparison.Ordinal);
        Assert.Contains("Fossilized", failure.NativeText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failures_of_different_threads_do_not_mix()
    {
        using Barrier barrier = new(2);
        Task<string> Fail(int seed) => Task.Factory.StartNew(
            () =>
            {
                using SeedStateStore store = new(2);
                barrier.SignalAndWait();
                return Assert.Throws<NativeException>(() => store.Read(seed)).NativeText;
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        string[] texts = await Task.WhenAll(Fail(1001), Fail(2002));
        Assert.Contains("1001", texts[0], StringComparison.Ordinal);
        Assert.Contains("2002", texts[1], StringComparison.Ordinal);
    }

    [Fact]
    public void An_instruction_set_that_is_none_is_refused()
    {
        NativeException failure = Assert.Throws<NativeException>(() => new KernelContext(1, (CpuIsa)9));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
    }

    [Fact]
    public void Context_says_what_it_runs_with()
    {
        using KernelContext context = new(threads: 3, CpuIsa.Scalar);
        Assert.Equal((3, CpuIsa.Scalar), (context.Threads, context.Isa));
    }

    [Fact]
    public unsafe void Text_is_utf8_in_both_directions()
    {
        const string Text = "Gewächs 种子 🌱";
        fixed (byte* bytes = Utf8.Write(Text))
        {
            Assert.Equal(Text, Utf8.Read(bytes));
        }

        Assert.Equal("", Utf8.Read(null));
        Assert.Contains("a\\0b", Assert.Throws<ArgumentException>(() => Utf8.Write("a\0b")).Message, StringComparison.Ordinal);
    }
}

namespace Esper.Data.Tests;

public sealed class BatchPrefetcherTests
{
    /// <summary>Ends a test that would hang; nothing depends on how long things take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Lent_batch_stays_while_all_others_are_filled_and_no_more_than_depth_are(int depth)
    {
        using Source source = new(batches: 12, depth);
        using BatchPrefetcher prefetcher = new(source, depth, TimeProvider.System);
        prefetcher.StartEpoch(4, 0);
        for (int number = 0; number < 12; number++)
        {
            Assert.True(prefetcher.TryNext(out Batch? batch, CancellationToken.None));
            int ahead = Math.Min(12, number + 1 + depth);
            Assert.True(await source.WaitForFillsAsync(ahead));
            Assert.Equal([(4 * 100) + number], batch.Indices.ToArray());
            Assert.Equal(ahead, source.Fills);
        }

        Assert.False(prefetcher.TryNext(out _, CancellationToken.None));
        Assert.False(prefetcher.TryNext(out _, CancellationToken.None));
    }

    [Fact]
    public async Task Disposal_ends_a_producer_that_waits_for_a_free_slot()
    {
        using Source source = new(batches: 10, depth: 2);
        BatchPrefetcher prefetcher = new(source, 2, TimeProvider.System);
        prefetcher.StartEpoch(0, 0);
        Assert.True(await source.WaitForFillsAsync(2));
        await Task.Run(prefetcher.Dispose).WaitAsync(Patience);
        Assert.Equal(2, source.Fills);
        Assert.Throws<ObjectDisposedException>(() => prefetcher.TryNext(out _, CancellationToken.None));
        Assert.Throws<ObjectDisposedException>(() => prefetcher.StartEpoch(0, 0));
        prefetcher.Dispose();
    }

    [Fact]
    public async Task Disposal_ends_a_consumer_that_waits_for_a_batch()
    {
        using Source source = new(batches: 3, depth: 1) { Blocked = true };
        Clock clock = new();
        BatchPrefetcher prefetcher = new(source, 1, clock);
        prefetcher.StartEpoch(0, 0);
        Task consumer = Task.Run(() => prefetcher.TryNext(out _, CancellationToken.None));
        await clock.FirstReading.WaitAsync(Patience);
        Task disposal = Task.Run(prefetcher.Dispose);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => consumer.WaitAsync(Patience));
        source.Unblock();
        await disposal.WaitAsync(Patience);
    }

    [Fact]
    public async Task Cancellation_ends_a_wait_and_loses_no_batch()
    {
        using Source source = new(batches: 3, depth: 1) { Blocked = true };
        Clock clock = new();
        using BatchPrefetcher prefetcher = new(source, 1, clock);
        prefetcher.StartEpoch(0, 0);
        using CancellationTokenSource cancellation = new();
        Task consumer = Task.Run(() => prefetcher.TryNext(out _, cancellation.Token));
        await clock.FirstReading.WaitAsync(Patience);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => consumer.WaitAsync(Patience));
        Assert.ThrowsAny<OperationCanceledException>(() => prefetcher.TryNext(out _, cancellation.Token));
        source.Unblock();
        Assert.True(prefetcher.TryNext(out Batch? batch, CancellationToken.None));
        Assert.Equal([0], batch.Indices.ToArray());
    }

    [Fact]
    public void Failure_of_the_producer_comes_in_its_place_and_stays_until_the_next_epoch()
    {
        using Source source = new(batches: 5, depth: 3) { FailAt = 2 };
        using BatchPrefetcher prefetcher = new(source, 3, TimeProvider.System);
        prefetcher.StartEpoch(0, 0);
        Assert.True(prefetcher.TryNext(out _, CancellationToken.None));
        Assert.True(prefetcher.TryNext(out _, CancellationToken.None));
        for (int again = 0; again < 2; again++)
        {
            Assert.Equal(
                "batch 2 is broken",
                Assert.Throws<InvalidDataException>(() => prefetcher.TryNext(out _, CancellationToken.None)).Message);
        }

        prefetcher.StartEpoch(1, 3);
        Assert.True(prefetcher.TryNext(out Batch? batch, CancellationToken.None));
        Assert.Equal([103], batch.Indices.ToArray());
    }

    [Fact]
    public async Task Batch_of_an_epoch_that_was_left_is_never_given_out()
    {
        using Source source = new(batches: 5, depth: 2) { Blocked = true };
        using BatchPrefetcher prefetcher = new(source, 2, TimeProvider.System);
        prefetcher.StartEpoch(0, 0);
        Assert.True(await source.WaitForEntriesAsync(1));
        prefetcher.StartEpoch(1, 0);
        source.Unblock();
        for (int number = 0; number < 5; number++)
        {
            Assert.True(prefetcher.TryNext(out Batch? batch, CancellationToken.None));
            Assert.Equal([100 + number], batch.Indices.ToArray());
        }
    }

    [Fact]
    public async Task Waiting_is_counted_and_nothing_else()
    {
        using Source source = new(batches: 3, depth: 2) { Blocked = true };
        Clock clock = new();
        using BatchPrefetcher prefetcher = new(source, 2, clock);
        prefetcher.StartEpoch(0, 0);
        Task<bool> consumer = Task.Run(() => prefetcher.TryNext(out _, CancellationToken.None));
        await clock.FirstReading.WaitAsync(Patience);
        Assert.Equal(0, prefetcher.WaitNanoseconds);
        source.Unblock();
        Assert.True(await consumer.WaitAsync(Patience));
        Assert.Equal(Clock.NanosecondsBetweenReadings, prefetcher.WaitNanoseconds);

        // When the third batch is begun, the second is ready; and the end of the epoch needs no batch.
        Assert.True(await source.WaitForEntriesAsync(3));
        Assert.True(prefetcher.TryNext(out _, CancellationToken.None));
        prefetcher.StartEpoch(0, 3);
        Assert.False(prefetcher.TryNext(out _, CancellationToken.None));
        Assert.Equal(Clock.NanosecondsBetweenReadings, prefetcher.WaitNanoseconds);
    }

    [Fact]
    public void Batches_need_an_epoch()
    {
        using Source source = new(batches: 2, depth: 1);
        using BatchPrefetcher prefetcher = new(source, 1, TimeProvider.System);
        Assert.Throws<InvalidOperationException>(() => prefetcher.TryNext(out _, CancellationToken.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchPrefetcher(source, 0, TimeProvider.System));
    }

    /// <summary>
    /// A clock that moves by a fixed amount at each reading and tells of the first one, which a consumer makes when it
    /// is about to wait, still holding the lock: what another thread does under the lock after that finds it waiting.
    /// </summary>
    private sealed class Clock : TimeProvider
    {
        public const long NanosecondsBetweenReadings = 5_000_000;
        private readonly TaskCompletionSource read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long now;

        public Task FirstReading => read.Task;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp()
        {
            read.TrySetResult();
            return Interlocked.Add(ref now, 5);
        }
    }

    /// <summary>Batches of one index, 100 x epoch + number, in reused buffers, with a gate before each.</summary>
    private sealed class Source(int batches, int depth) : IBatchSource, IDisposable
    {
        private readonly int[][] buffers = [.. Enumerable.Range(0, BatchPrefetcher.SlotsFor(depth)).Select(_ => new int[1])];
        private readonly SemaphoreSlim filled = new(0);
        private readonly SemaphoreSlim entered = new(0);
        private readonly ManualResetEventSlim open = new(true);
        private int epoch;
        private int awaited;

        public int BatchesPerEpoch => batches;

        public int ExamplesPerEpoch => batches;

        public int FailAt { get; init; } = -1;

        public bool Blocked
        {
            init
            {
                if (value)
                {
                    open.Reset();
                }
            }
        }

        public int Fills { get; private set; }

        public void BeginEpoch(int epoch) => this.epoch = epoch;

        public Batch Fill(int slot, int batch)
        {
            entered.Release();
            open.Wait();
            if (batch == FailAt)
            {
                throw new InvalidDataException($"batch {batch} is broken");
            }

            buffers[slot][0] = (epoch * 100) + batch;
            Fills++;
            filled.Release();
            return new Batch([new BatchInput("labels", new long[1], [1])], buffers[slot]);
        }

        public void Unblock() => open.Set();

        public Task<bool> WaitForEntriesAsync(int count) => TakeAsync(entered, count);

        /// <summary>Waits until so many batches were filled since the start.</summary>
        public async Task<bool> WaitForFillsAsync(int count)
        {
            bool filledInTime = await TakeAsync(filled, count - awaited);
            awaited = Math.Max(awaited, count);
            return filledInTime;
        }

        private static async Task<bool> TakeAsync(SemaphoreSlim semaphore, int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (!await semaphore.WaitAsync(Patience))
                {
                    return false;
                }
            }

            return true;
        }

        public void Dispose()
        {
            filled.Dispose();
            entered.Dispose();
            open.Dispose();
        }
    }
}

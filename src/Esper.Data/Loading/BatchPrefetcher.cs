using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Esper.Data;

/// <summary>
/// A thread that keeps up to <c>depth</c> batches ready in a ring of <c>depth + 1</c> reused slots (one is lent to the
/// consumer). Batch n of an epoch lies in slot n mod (depth + 1).
/// </summary>
internal sealed class BatchPrefetcher : IDisposable
{
    private readonly object gate = new();
    private readonly IBatchSource source;
    private readonly int depth;
    private readonly TimeProvider clock;
    private readonly Batch?[] ready;
    private readonly Thread producer;

    // All guarded by the gate. Batches [taken, filled) of the current generation are ready; a generation is one StartEpoch.
    private int generation;
    private int epoch;
    private int taken;
    private int filled;
    private ExceptionDispatchInfo? fault;
    private long waitTicks;
    private bool disposed;

    /// <summary>
    /// Prepares the thread; it starts with the first epoch, so that a loader that is never used costs none.
    /// </summary>
    /// <param name="source">Fills the slots; must have <see cref="SlotsFor"/>(depth) of them.</param>
    /// <param name="depth">Batches kept ready, at least 1.</param>
    /// <param name="clock">Measures the consumer's waits.</param>
    public BatchPrefetcher(IBatchSource source, int depth, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        this.source = source;
        this.depth = depth;
        this.clock = clock;
        ready = new Batch?[SlotsFor(depth)];
        producer = new Thread(Produce) { IsBackground = true, Name = "esper-batches" };
    }

    /// <summary>Time that the consumer has waited, in nanoseconds.</summary>
    public long WaitNanoseconds
    {
        get
        {
            lock (gate)
            {
                return (long)(waitTicks * (1e9 / clock.TimestampFrequency));
            }
        }
    }

    /// <summary>See <see cref="IBatchLoader.Position"/>.</summary>
    public LoaderPosition? Position
    {
        get
        {
            lock (gate)
            {
                return generation == 0 ? null : new LoaderPosition(epoch, taken);
            }
        }
    }

    /// <summary>Slots that a source needs.</summary>
    public static int SlotsFor(int depth) => checked(depth + 1);

    /// <summary>See <see cref="IBatchLoader.StartEpoch"/>.</summary>
    public void StartEpoch(int newEpoch, int firstBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newEpoch, "epoch");
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, source.BatchesPerEpoch);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, typeof(IBatchLoader));
            if (generation == 0)
            {
                producer.Start();
            }

            generation++;
            epoch = newEpoch;
            taken = filled = firstBatch;
            fault = null;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>
    /// See <see cref="IBatchLoader.TryNext"/>. What the source threw is thrown here, once its place in the epoch comes.
    /// </summary>
    public bool TryNext([NotNullWhen(true)] out Batch? batch, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, typeof(IBatchLoader));
            if (generation == 0)
            {
                throw new InvalidOperationException("StartEpoch must be called before TryNext");
            }

            batch = null;
            if (taken == source.BatchesPerEpoch)
            {
                return false;
            }

            if (taken == filled && fault is null)
            {
                WaitForBatch(cancellationToken);
            }

            if (taken == filled)
            {
                fault!.Throw();
            }

            batch = ready[taken % ready.Length]!;
            taken++;
            Monitor.PulseAll(gate);
            return true;
        }
    }

    /// <summary>Ends the thread; it finishes the batch that it is filling.</summary>
    public void Dispose()
    {
        bool started;
        lock (gate)
        {
            disposed = true;
            started = generation > 0;
            Monitor.PulseAll(gate);
        }

        if (started)
        {
            producer.Join();
        }
    }

    private void WaitForBatch(CancellationToken cancellationToken)
    {
        long start = clock.GetTimestamp();
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(Wake, gate);
        try
        {
            while (taken == filled && fault is null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(disposed, typeof(IBatchLoader));
                Monitor.Wait(gate);
            }
        }
        finally
        {
            // Not Dispose: it would wait for a callback that itself waits for the gate held here.
            registration.Unregister();
            waitTicks += clock.GetTimestamp() - start;
        }
    }

    private static void Wake(object? gate)
    {
        lock (gate!)
        {
            Monitor.PulseAll(gate);
        }
    }

    private void Produce()
    {
        int begun = 0;
        while (WaitForWork(out int current, out int currentEpoch, out int number))
        {
            Batch? batch = null;
            ExceptionDispatchInfo? failure = null;
            try
            {
                if (begun != current)
                {
                    source.BeginEpoch(currentEpoch);
                    begun = current;
                }

                batch = source.Fill(number % ready.Length, number);
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }

            Publish(current, number, batch, failure);
        }
    }

    private bool WaitForWork(out int current, out int currentEpoch, out int number)
    {
        lock (gate)
        {
            while (!disposed && !HasWork)
            {
                Monitor.Wait(gate);
            }

            (current, currentEpoch, number) = (generation, epoch, filled);
            return !disposed;
        }
    }

    private bool HasWork =>
        generation > 0 && fault is null && filled < source.BatchesPerEpoch && filled - taken < depth;

    private void Publish(int current, int number, Batch? batch, ExceptionDispatchInfo? failure)
    {
        lock (gate)
        {
            // Another epoch began meanwhile: the batch is nobody's, and this thread is the only one that writes slots.
            if (current != generation)
            {
                return;
            }

            fault = failure;
            if (batch is not null)
            {
                ready[number % ready.Length] = batch;
                filled++;
            }

            Monitor.PulseAll(gate);
        }
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime;
using System.Runtime.ExceptionServices;
using Esper.Contracts;

namespace Esper.Tamiyo.Decisions;

/// <summary>
/// Runs a decision within a time limit, on a thread of its own that is stopped when the limit passes: not asked to stop, stopped, in
/// the middle of a loop or a wait (docs/adr/0016).
/// </summary>
/// <param name="limit">Time that a call has; zero = no limit, the call runs on the caller's thread.</param>
/// <param name="clock">Measures the limit.</param>
public sealed class DecisionRunner(TimeSpan limit, TimeProvider clock)
{
    /// <summary>
    /// Real time that the runtime has to end the thread. Managed code ends within milliseconds; what has not ended by then is in native
    /// code, and cannot be stopped in this process.
    /// </summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Time that a call has; zero = no limit.</summary>
    public TimeSpan Limit => limit;

    /// <summary>Runs a call to its end or to the limit. What the call throws is thrown here.</summary>
    /// <param name="call">The call. It must share no state with others that it could leave half changed.</param>
    /// <param name="result">Its result; nothing where it was stopped.</param>
    /// <returns>False where it was stopped; its thread has ended then.</returns>
    /// <exception cref="EsperException">The thread could not be stopped; the run must not go on beside it.</exception>
    public bool TryRun<T>(Func<T> call, [MaybeNullWhen(false)] out T result)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (limit == TimeSpan.Zero)
        {
            result = call();
            return true;
        }

        Work<T> work = new(call);
        CancellationTokenSource stop = new();
        Thread thread = new(() => work.Run(stop.Token)) { IsBackground = true, Name = "policy decision" };

        // The abort runs on the timer's thread and may wait for a thread in native code; never let it be the caller's.
        using ITimer timer = clock.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), stop, limit, Timeout.InfiniteTimeSpan);
        thread.Start();
        if (WaitHandle.WaitAny([work.Ended, stop.Token.WaitHandle]) != 0 && !work.Ended.WaitOne(Grace))
        {
            throw new EsperException(
                $"The policy overran its limit of {limit.TotalMilliseconds:F0} ms (policy.decision_limit_ms) and could not be stopped "
                + $"within {Grace.TotalSeconds:F0} s: it is inside native code. The run ends, since nothing may go on beside it; the last "
                + "checkpoint is whole. Resume with another policy.kind, or with a policy whose native calls return.");
        }

        thread.Join();
        stop.Dispose();
        work.Dispose();
        result = work.Outcome;
        return work.Completed;
    }

    private sealed class Work<T>(Func<T> call) : IDisposable
    {
        private ExceptionDispatchInfo? _failure;
        private T? _outcome;

        public ManualResetEvent Ended { get; } = new(initialState: false);

        public bool Completed { get; private set; }

        /// <summary>The result, or the exception that the call ended with.</summary>
        public T? Outcome
        {
            get
            {
                _failure?.Throw();
                return _outcome;
            }
        }

        public void Run(CancellationToken stop)
        {
            try
            {
                T? outcome = default;
#pragma warning disable SYSLIB0046 // The runtime warns of state left half changed; a decision has none that it shares: docs/adr/0016.
                ControlledExecution.Run(() => outcome = call(), stop);
#pragma warning restore SYSLIB0046
                (_outcome, Completed) = (outcome, true);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopped: not completed, no result.
            }
            catch (Exception error)
            {
                _failure = ExceptionDispatchInfo.Capture(error);
            }
            finally
            {
                Ended.Set();
            }
        }

        public void Dispose() => Ended.Dispose();
    }
}

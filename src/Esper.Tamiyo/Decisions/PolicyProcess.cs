using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Tamiyo.Decisions;

/// <summary>
/// A policy in a process of its own, that is killed when a decision overruns: whatever it does, loop, wait, native code, it ends, and
/// nothing of the trainer's memory was in its hands (docs/adr/0016). Started with the first question, and anew after a kill.
/// </summary>
/// <param name="launch">How to start it.</param>
/// <param name="options">Options of the policy.</param>
/// <param name="limit">Time that the policy has for an answer, from when its process has read the question.</param>
/// <param name="clock">Measures the limit.</param>
internal sealed class PolicyProcess(PolicyLaunch launch, PolicyOptions options, TimeSpan limit, TimeProvider clock) : IDisposable
{
    /// <summary>Time for what is not the policy's doing: starting the process, reading a question.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private Worker? _worker;

    /// <summary>Asks a question.</summary>
    /// <param name="request">The question.</param>
    /// <param name="answer">The answer; null where there is none.</param>
    /// <param name="failure">Why there is none, in words that follow "the policy"; null where there is an answer.</param>
    /// <exception cref="EsperException">The process cannot be started or killed, or the policy threw.</exception>
    public bool TryAsk(
        PolicyRequest request, [NotNullWhen(true)] out PolicyReply? answer, [NotNullWhen(false)] out string? failure)
    {
        _worker ??= Start();
        answer = null;
        bool taken = _worker.Send(PolicyMessages.Write(request)) && _worker.Receive(Patience, TimeProvider.System, out PolicyReply? asked)
            && asked.Progress == PolicyProgress.Asked;
        if (taken && _worker.Receive(limit, clock, out answer))
        {
            failure = null;
            return answer.Progress == PolicyProgress.Answered
                ? true
                : throw new EsperException($"The policy failed with {answer.Fault ?? answer.Progress.ToString()}");
        }

        failure = _worker.HasEnded
            ? $"ended its process with code {_worker.ExitCode} before it answered"
            : string.Create(CultureInfo.InvariantCulture, $"did not answer within {limit.TotalMilliseconds:F0} ms; its process was killed");
        Stop();
        return false;
    }

    /// <summary>Kills the process.</summary>
    public void Dispose() => Stop();

    private Worker Start()
    {
        Worker worker = new(launch);
        if (worker.Send(PolicyMessages.Write(options))
            && worker.Receive(Patience, TimeProvider.System, out PolicyReply? reply)
            && reply.Progress == PolicyProgress.Ready)
        {
            return worker;
        }

        string how = worker.HasEnded ? $"it ended with code {worker.ExitCode}" : $"it was not ready within {Patience.TotalSeconds:F0} s";
        worker.Dispose();
        throw CannotStart(how, null);
    }

    private void Stop()
    {
        _worker?.Dispose();
        _worker = null;
    }

    private EsperException CannotStart(string how, Exception? cause)
    {
        string command = string.Join(' ', launch.Arguments.Prepend(launch.FileName));
        string message = $"policy.decision_limit_ms: the policy's process ({command}) cannot be started: {how}. "
            + "Mend that, or set policy.decision_limit_ms to 0 for a policy without a time limit.";
        return cause is null ? new EsperException(message) : new EsperException(message, cause);
    }

    private sealed class Worker : IDisposable
    {
        private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

        private readonly Process _process;
        private readonly BlockingCollection<string> _replies = [];

        public Worker(PolicyLaunch launch)
        {
            ProcessStartInfo start = new(launch.FileName, launch.Arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            try
            {
                _process = Process.Start(start) ?? throw new Win32Exception("no process");
            }
            catch (Exception error) when (error is Win32Exception or IOException)
            {
                throw new EsperException(
                    $"policy.decision_limit_ms: '{launch.FileName}' cannot be started for the policy: {error.Message}. "
                    + "Set policy.decision_limit_ms to 0 for a policy without a time limit.",
                    error);
            }

            new Thread(Read) { IsBackground = true, Name = "policy replies" }.Start();
        }

        /// <summary>Whether the process is gone; a pipe that closes is followed by its end at once.</summary>
        public bool HasEnded => _replies.IsCompleted && _process.WaitForExit(Grace);

        public int ExitCode => _process.ExitCode;

        public bool Send(string line)
        {
            try
            {
                _process.StandardInput.WriteLine(line);
                _process.StandardInput.Flush();
                return true;
            }
            catch (IOException)
            {
                // The pipe is closed: the process is gone, and the caller says so.
                return false;
            }
        }

        /// <summary>Waits for a reply. What is no reply counts as none: the process is not to be trusted any more.</summary>
        public bool Receive(TimeSpan limit, TimeProvider clock, [NotNullWhen(true)] out PolicyReply? reply)
        {
            reply = null;
            using CancellationTokenSource late = new(limit, clock);
            try
            {
                if (_replies.TryTake(out string? line, Timeout.Infinite, late.Token))
                {
                    reply = PolicyMessages.Read<PolicyReply>(line);
                }
            }
            catch (Exception error) when (error is OperationCanceledException or JsonException)
            {
                return false;
            }

            return reply is not null;
        }

        public void Dispose()
        {
            try
            {
                _process.Kill(entireProcessTree: true);
            }
            catch (Exception error) when (error is InvalidOperationException or Win32Exception)
            {
                // It has ended in this moment.
            }

            if (!_process.WaitForExit(Grace))
            {
                throw new EsperException(
                    $"The policy's process {_process.Id} could not be killed within {Grace.TotalSeconds:F0} s. The run ends, since nothing may "
                    + "go on beside it; the last checkpoint is whole.");
            }

            _process.Dispose();
        }

        private void Read()
        {
            try
            {
                while (_process.StandardOutput.ReadLine() is { } line)
                {
                    _replies.Add(line);
                }
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // Disposed while it read; nobody waits for more.
            }
            finally
            {
                _replies.CompleteAdding();
            }
        }
    }
}

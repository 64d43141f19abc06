using System.Runtime.InteropServices;

namespace Esper.Cli;

/// <summary>
/// Turns Ctrl-C and SIGTERM into a cancellation: the first one lets the work come to an orderly end, the second one ends the process
/// at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly TextWriter _error;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <summary>Creates an interruption that <see cref="Signal"/> alone triggers.</summary>
    /// <param name="error">Where the first signal is acknowledged.</param>
    public Interruption(TextWriter error) => _error = error;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether a signal has come.</summary>
    public bool IsRequested => _signals > 0;

    /// <summary>Creates an interruption that hears the signals of this process until disposed.</summary>
    public static Interruption OfProcess(TextWriter error)
    {
        Interruption interruption = new(error);
        foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
        {
            interruption._registrations.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = interruption.Signal()));
        }

        return interruption;
    }

    /// <summary>Takes note of a signal.</summary>
    /// <returns>True if the process is to live on; false for the second signal, whose default effect then ends it.</returns>
    public bool Signal()
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            return false;
        }

        _error.WriteLine("interrupted: finishing the step in flight and writing a checkpoint; once more to leave at once");
        _source.Cancel();
        return true;
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }
}

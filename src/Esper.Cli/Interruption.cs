using System.Runtime.InteropServices;

namespace Esper.Cli;

/// <summary>
/// Turns Ctrl-C and SIGTERM into a cancellation: the first one lets the work come to an orderly end, the second one ends the process
/// at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly Action _onFirst;
    private readonly Action _onSecond;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <summary>Creates an interruption that <see cref="Signal"/> alone triggers.</summary>
    /// <param name="onFirst">Acknowledges the first signal, on a thread of its own.</param>
    /// <param name="onSecond">Puts the terminal in order before the second signal ends the process.</param>
    public Interruption(Action onFirst, Action onSecond)
    {
        _onFirst = onFirst;
        _onSecond = onSecond;
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Creates an interruption that hears the signals of this process until disposed.</summary>
    public static Interruption OfProcess(Action onFirst, Action onSecond)
    {
        Interruption interruption = new(onFirst, onSecond);
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
            _onSecond();
            return false;
        }

        _onFirst();
        _source.Cancel();
        return true;
    }

    /// <summary>Like a first signal, if there was none yet: who has closed the input may have sent a signal as well.</summary>
    public void End()
    {
        if (Interlocked.CompareExchange(ref _signals, 1, 0) == 0)
        {
            _onFirst();
            _source.Cancel();
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }
}

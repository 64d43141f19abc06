using Esper.Contracts.Runs;
using Spectre.Console;

namespace Esper.Cli.Display;

/// <summary>
/// Shows a run on a terminal while it goes: progress, rates, accuracy, and the lattice as a map of stages. Drawn on the
/// training thread, at most eight times a second; other steps cost a comparison of times.
/// </summary>
public sealed class LiveDisplay : IRunObserver, IDisposable
{
    private static readonly TimeSpan FrameInterval = TimeSpan.FromMilliseconds(125);

    private readonly IAnsiConsole _console;
    private readonly TimeProvider _clock;
    private readonly LiveRegion _region;
    private readonly Glyphs _glyphs;
    private RunProgress? _progress;
    private long? _lastFrame;
    private volatile string? _notice;

    /// <summary>Creates the display.</summary>
    /// <param name="console">A console that understands ANSI escapes; <c>NO_COLOR</c> is its matter.</param>
    /// <param name="clock">Clock of rates and refresh.</param>
    public LiveDisplay(IAnsiConsole console, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(console);
        ArgumentNullException.ThrowIfNull(clock);
        _console = console;
        _clock = clock;
        _region = new LiveRegion(console);
        _glyphs = Glyphs.For(console.Profile.Capabilities.Unicode);
    }

    /// <summary>Number of frames drawn.</summary>
    public int Frames { get; private set; }

    /// <inheritdoc/>
    public void OnStarted(RunInfo info)
    {
        _progress = new RunProgress(info, _clock);
        Draw();
    }

    /// <inheritdoc/>
    public void OnStep(in StepReport report)
    {
        Progress.Add(report);
        DrawIfDue();
    }

    /// <inheritdoc/>
    public void OnLifecycle(LifecycleEvent change)
    {
        Progress.Add(change);
        DrawIfDue();
    }

    /// <inheritdoc/>
    public void OnDecisionFailed(DecisionFailure failure)
    {
        // Stays until the next one: it is rare, and nothing that follows makes it good.
        Announce(EventLine.Describe(failure));
        Draw();
    }

    /// <inheritdoc/>
    public void OnRollback(RollbackReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Progress.Add(report);
        Announce($"{report.Reason}; taken back to step {report.ToStep} ({report.Number} of {report.Limit})");
        DrawIfDue();
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        Progress.Add(report);
        DrawIfDue();
    }

    /// <inheritdoc/>
    public void OnFinished(RunSummary summary)
    {
        Draw();
        _region.Finish();
        _console.WriteLine();
        SummaryView.Write(summary, _console);
    }

    /// <summary>
    /// Shows a notice from the next frame on. May be called from any thread: only the training thread draws, so that nothing
    /// moves the cursor under it.
    /// </summary>
    public void Announce(string notice) => _notice = notice;

    /// <summary>Gives the terminal back with its cursor, also where the run ended in an exception.</summary>
    public void Dispose() => _region.Finish();

    private RunProgress Progress =>
        _progress ?? throw new InvalidOperationException("The display was told of a run's progress before its start.");

    private void DrawIfDue()
    {
        if (_lastFrame is not { } last || _clock.GetElapsedTime(last) >= FrameInterval)
        {
            Draw();
        }
    }

    private void Draw()
    {
        _lastFrame = _clock.GetTimestamp();
        Frames++;
        // A line that fills the last column makes some terminals wrap, and a frame as high as the terminal makes it
        // scroll.
        int width = Math.Max(1, _console.Profile.Width - 1);
        int height = Math.Max(1, _console.Profile.Height - 1);
        _region.Show(LiveFrame.Build(Progress, width, height, _glyphs, _notice));
    }
}

using Esper.Contracts.Runs;
using Spectre.Console;

namespace Esper.Cli.Display;

/// <summary>Chooses the display that fits where the output goes.</summary>
public static class RunDisplay
{
    /// <summary>
    /// A <see cref="LiveDisplay"/> on a terminal, a <see cref="PlainDisplay"/> on everything else. The caller disposes
    /// it if it is disposable.
    /// </summary>
    /// <param name="console">
    /// The console, such as <see cref="AnsiConsole.Console"/>; it detects terminals and <c>NO_COLOR</c>.
    /// </param>
    /// <param name="clock">Clock of rates and refresh.</param>
    public static IRunObserver Create(IAnsiConsole console, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(console);
        return console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi
            ? new LiveDisplay(console, clock)
            : new PlainDisplay(console.Profile.Out.Writer);
    }
}

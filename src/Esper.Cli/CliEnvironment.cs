using Esper.Cli.Doctor;
using Esper.Contracts.Runs;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;

namespace Esper.Cli;

/// <summary>What commands see of the process they run in; tests put their own in its place.</summary>
internal sealed record CliEnvironment
{
    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether standard output is a terminal that can show a live display.</summary>
    public required bool OutputIsTerminal { get; init; }

    /// <summary>Characters in a line of output.</summary>
    public required int Width { get; init; }

    /// <summary>Whether output may be coloured.</summary>
    public required bool Color { get; init; }

    /// <summary>The clock that runs are timed with.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Hears Ctrl-C and SIGTERM.</summary>
    public required Func<TextWriter, Interruption> Interruptible { get; init; }

    /// <summary>Trains.</summary>
    public required Func<TrainRequest, IRunObserver, TimeProvider, CancellationToken, RunSummary> Train { get; init; }

    /// <summary>Reads the configuration of the run in a directory.</summary>
    public required Func<string, RunConfig> ConfigOf { get; init; }

    /// <summary>Looks at this machine.</summary>
    public required IMachineProbe Probe { get; init; }

    /// <summary>The environment of this process.</summary>
    public static CliEnvironment OfProcess()
    {
        bool terminal = !Console.IsOutputRedirected;
        bool dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        return new CliEnvironment
        {
            Output = Console.Out,
            Error = Console.Error,
            OutputIsTerminal = terminal && !dumb,
            Width = terminal && Console.WindowWidth > 0 ? Console.WindowWidth : 100,
            // https://no-color.org: any value that is not empty switches colour off.
            Color = terminal && !dumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Clock = TimeProvider.System,
            Interruptible = static error => Interruption.OfProcess(error),
            Train = Trainer.Train,
            ConfigOf = Trainer.ConfigOf,
            Probe = new MachineProbe(),
        };
    }
}

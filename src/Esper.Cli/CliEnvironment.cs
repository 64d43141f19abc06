using Esper.Cli.Doctor;
using Esper.Contracts.Runs;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;

namespace Esper.Cli;

/// <summary>What commands see of the process they run in; tests put their own in its place.</summary>
internal sealed record CliEnvironment
{
    private const int WidthOfFiles = 100;

    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether standard output is a terminal.</summary>
    public required bool OutputIsTerminal { get; init; }

    /// <summary>Characters in a line of output.</summary>
    public required int Width { get; init; }

    /// <summary>The clock that runs are timed with.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Hears Ctrl-C and SIGTERM; what to do at the first and at the second.</summary>
    public required Func<Action, Action, Interruption> Listen { get; init; }

    /// <summary>Trains.</summary>
    public required Func<TrainRequest, IRunObserver, TimeProvider, CancellationToken, RunSummary> Train { get; init; }

    /// <summary>Reads the configuration of the run in a directory.</summary>
    public required Func<string, RunConfig> ConfigOf { get; init; }

    /// <summary>Evaluates: run directory, split, data path, threads.</summary>
    public required Func<string, string, string?, int, CancellationToken, EvaluationSummary> Evaluate { get; init; }

    /// <summary>Looks at this machine.</summary>
    public required IMachineProbe Probe { get; init; }

    /// <summary>The environment of this process.</summary>
    public static CliEnvironment OfProcess()
    {
        bool terminal = !Console.IsOutputRedirected;
        return new CliEnvironment
        {
            Output = Console.Out,
            Error = Console.Error,
            OutputIsTerminal = terminal,
            Width = terminal && Console.WindowWidth > 0 ? Console.WindowWidth : WidthOfFiles,
            Clock = TimeProvider.System,
            Listen = Interruption.OfProcess,
            Train = Trainer.Train,
            ConfigOf = Trainer.ConfigOf,
            Evaluate = Evaluator.Evaluate,
            Probe = new MachineProbe(),
        };
    }
}

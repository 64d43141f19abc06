using Esper.Cli.Doctor;
using Esper.Contracts.Runs;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Experiments;

namespace Esper.Cli;

/// <summary>What commands see of the process they run in; tests put their own in its place.</summary>
internal sealed record CliEnvironment
{
    private const int WidthOfFiles = 100;

    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard input.</summary>
    public TextReader Input { get; init; } = TextReader.Null;

    /// <summary>A variable of the environment; null if it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

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

    /// <summary>Trains the runs of experiments.</summary>
    public required IRunLauncher Launcher { get; init; }

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
            Input = Console.In,
            Variable = Environment.GetEnvironmentVariable,
            OutputIsTerminal = terminal,
            Width = terminal && Console.WindowWidth > 0 ? Console.WindowWidth : WidthOfFiles,
            Clock = TimeProvider.System,
            Listen = Interruption.OfProcess,
            Train = Trainer.Train,
            ConfigOf = Trainer.ConfigOf,
            Evaluate = Evaluator.Evaluate,
            Launcher = OwnProgram(),
            Probe = new MachineProbe(),
        };
    }

    /// <summary>Trains by this very program: as <c>esper</c>, or as <c>dotnet esper.dll</c>.</summary>
    private static ProcessRunLauncher OwnProgram()
    {
        string program = Environment.ProcessPath ?? "esper";
        bool runtime = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return new ProcessRunLauncher(program, runtime ? [Environment.GetCommandLineArgs()[0]] : [], TimeProvider.System);
    }
}

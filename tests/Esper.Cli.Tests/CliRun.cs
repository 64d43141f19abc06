using System.Text;
using System.Text.Json;
using Esper.Cli.Doctor;
using Esper.Contracts.Runs;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Experiments;

namespace Esper.Cli.Tests;

/// <summary>Runs command lines in this process, with everything outside it replaced, and keeps what they wrote.</summary>
internal sealed class CliRun
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public List<TrainRequest> Requests { get; } = [];

    public Func<TrainRequest, IRunObserver, CancellationToken, RunSummary> Train { get; init; } =
        (request, observer, _) => Finish(observer, Samples.Summary(RunOutcome.Completed));

    public Func<string, RunConfig> ConfigOf { get; init; } = _ => new RunConfig();

    public Func<string, string, string?, int, EvaluationSummary> Evaluate { get; init; } =
        (directory, split, _, _) => new EvaluationSummary(directory, "cnn3", "glyphs", split, 2000, 0.5, 1.25, 1234, "ab");

    public IMachineProbe Probe { get; init; } = new SoundMachine();

    public IRunLauncher Launcher { get; init; } = new NoLauncher();

    public TextReader Input { get; init; } = TextReader.Null;

    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>What a command listens with while it runs.</summary>
    public Interruption? Interruption { get; private set; }

    public int Width { get; init; } = 80;

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement Json => JsonElement.Parse(Output);

    public int Run(params string[] args)
    {
        using StringWriter output = new(_output) { NewLine = "\n" };
        using StringWriter error = new(_error) { NewLine = "\n" };
        return CommandLine.Run(args, new CliEnvironment
        {
            Output = output,
            Error = error,
            OutputIsTerminal = false,
            Width = Width,
            Clock = TimeProvider.System,
            Listen = Listen,
            Train = (request, observer, _, cancellation) =>
            {
                Requests.Add(request);
                return Train(request, observer, cancellation);
            },
            ConfigOf = ConfigOf,
            Evaluate = (directory, split, data, threads, _) => Evaluate(directory, split, data, threads),
            Probe = Probe,
            Launcher = Launcher,
            Input = Input,
            Variable = name => Variables.GetValueOrDefault(name),
        });
    }

    public static RunSummary Finish(IRunObserver observer, RunSummary summary)
    {
        observer.OnStarted(Samples.Info());
        observer.OnFinished(summary);
        return summary;
    }

    private sealed class NoLauncher : IRunLauncher
    {
        public Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation) => throw new InvalidOperationException("Nothing is trained here.");
    }

    private Interruption Listen(Action first, Action second)
    {
        Interruption interruption = new(first, second);
        Interruption = interruption;
        return interruption;
    }
}

using System.Text.Json;
using Esper.Cli.Doctor;
using Esper.Contracts.Runs;
using Esper.Native;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Tests;

/// <summary>Runs command lines in this process, with everything outside it replaced, and keeps what they wrote.</summary>
internal sealed class CliRun
{
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };

    public List<TrainRequest> Requests { get; } = [];

    public Func<TrainRequest, IRunObserver, CancellationToken, RunSummary> Train { get; init; } =
        (request, observer, _) => Finish(observer, Samples.Summary(RunOutcome.Completed));

    public Func<string, RunConfig> ConfigOf { get; init; } = _ => new RunConfig();

    public Func<string, string, string?, int, EvaluationSummary> Evaluate { get; init; } =
        (directory, split, _, _) => new EvaluationSummary(directory, "cnn3", "glyphs", split, 2000, 0.5, 1.25, 1234, "ab");

    public IMachineProbe Probe { get; init; } = new SoundMachine();

    public Interruption Interruption { get; private set; } = new(() => { }, () => { });

    public int Width { get; init; } = 80;

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement Json => JsonElement.Parse(Output);

    public int Run(params string[] args) => CommandLine.Run(args, new CliEnvironment
    {
        Output = _output,
        Error = _error,
        OutputIsTerminal = false,
        Width = Width,
        Clock = TimeProvider.System,
        Listen = (first, second) => Interruption = new Interruption(first, second),
        Train = (request, observer, _, cancellation) =>
        {
            Requests.Add(request);
            return Train(request, observer, cancellation);
        },
        ConfigOf = ConfigOf,
        Evaluate = (directory, split, data, threads, _) => Evaluate(directory, split, data, threads),
        Probe = Probe,
    });

    public static RunSummary Finish(IRunObserver observer, RunSummary summary)
    {
        observer.OnStarted(Samples.Info());
        observer.OnFinished(summary);
        return summary;
    }
}

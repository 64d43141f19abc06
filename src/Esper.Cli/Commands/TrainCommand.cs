using System.CommandLine;
using Esper.Cli.Display;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;
using Spectre.Console;
using LiveDisplay = Esper.Cli.Display.LiveDisplay;

namespace Esper.Cli.Commands;

/// <summary><c>esper train</c>: trains a host and lets it grow, or continues a run.</summary>
internal sealed class TrainCommand
{
    private const string Notice = "interrupted: finishing the step in flight, then writing a checkpoint; once more to leave at once";
    private const string ShowCursor = "\u001b[?25h";
    private readonly CliEnvironment _environment;
    private readonly TrainOptions _options = new();

    private TrainCommand(CliEnvironment environment) => _environment = environment;

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        TrainCommand train = new(environment);
        TrainOptions options = train._options;
        return new EsperCommand("train", "Train a host network and let it grow, or continue a run.")
            .WithGroup("What to train", options.Subject)
            .WithGroup("How to train", options.Training)
            .WithGroup("Growth", options.Growth)
            .WithGroup("Machine", options.Machine)
            .WithGroup("Configuration", options.Config, options.Set, options.PrintConfig)
            .WithGroup("Output", options.Out, options.Resume, options.Quiet, options.Json, options.WhileInput)
            .WithExample("esper train --epochs 10", "the built-in glyphs, a small network, growth by measurement")
            .WithExample("esper train --dataset cifar10 --data DIR --host wrn-16-1 --epochs 30", "CIFAR-10 in its binary version")
            .WithExample("esper train --policy none --out runs/static", "the same host without growth, to compare with")
            .WithExample("esper train --resume runs/first --epochs 20", "continue a run, for longer than planned")
            .WithExample("esper train --print-config > run.yaml", "all keys, to be edited and read with --config")
            .Does(train.Run);
    }

    private int Run(ParseResult parsed)
    {
        bool json = parsed.GetValue(_options.Json);
        TrainRequest request = TrainRequestBuilder.Build(_options, parsed, _environment.ConfigOf);
        ConfigValidator.Require(request.Config);
        if (parsed.GetValue(_options.PrintConfig))
        {
            return PrintConfig(request.Config, json);
        }

        bool quiet = parsed.GetValue(_options.Quiet);
        RunSummary summary = Train(request, quiet, json, parsed.GetValue(_options.WhileInput));
        if (json)
        {
            JsonOutput.Write(_environment.Output, summary);
        }
        else if (quiet)
        {
            SummaryView.Write(summary, _environment.Output);
        }

        if (!(json && quiet))
        {
            NameReport(summary, json ? _environment.Error : _environment.Output);
        }

        return summary.Outcome == RunOutcome.Interrupted ? ExitCode.Interrupted : ExitCode.Success;
    }

    private int PrintConfig(RunConfig config, bool json)
    {
        if (json)
        {
            throw new UsageException("--print-config writes YAML and cannot be combined with --json");
        }

        _environment.Output.Write(ConfigFile.Write(config));
        return ExitCode.Success;
    }

    private RunSummary Train(TrainRequest request, bool quiet, bool json, bool whileInput)
    {
        IRunObserver observer = quiet ? new CompositeObserver()
            : json ? new PlainDisplay(_environment.Error)
            : _environment.OutputIsTerminal ? RunDisplay.Create(AnsiConsole.Console, _environment.Clock)
            : new PlainDisplay(_environment.Output);

        // A live display stands with the cursor in its last line, and hides it: nobody else may write meanwhile.
        LiveDisplay? live = observer as LiveDisplay;
        using IDisposable? display = observer as IDisposable;
        using Interruption interruption = _environment.Listen(
            () => Acknowledge(live),
            () => _environment.Output.Write(live is null ? string.Empty : Environment.NewLine + ShowCursor));
        if (whileInput)
        {
            // A thread of its own: the end of the input is waited for as long as the process lives.
            new Thread(() => AwaitEndOfInput(interruption)) { IsBackground = true, Name = "input" }.Start();
        }

        return _environment.Train(request, observer, _environment.Clock, interruption.Token);
    }

    private void AwaitEndOfInput(Interruption interruption)
    {
        while (_environment.Input.Read() >= 0)
        {
            // Nothing is expected; whatever comes is passed over.
        }

        try
        {
            interruption.End();
        }
        catch (ObjectDisposedException)
        {
            // The run has ended meanwhile.
        }
    }

    private void Acknowledge(LiveDisplay? live)
    {
        if (live is null)
        {
            _environment.Error.WriteLine(Notice);
        }
        else
        {
            live.Announce(Notice);
        }
    }

    private static void NameReport(RunSummary summary, TextWriter output)
    {
        string report = Path.Combine(summary.Directory, "report.html");
        if (File.Exists(report))
        {
            output.WriteLine($"{"report",-22}{report}");
        }
    }
}

using System.Collections.Immutable;
using System.CommandLine;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Nissa.Experiments;

namespace Esper.Cli.Commands;

/// <summary>What <c>esper report --json</c> prints.</summary>
/// <param name="RunId">Identifier of the run.</param>
/// <param name="Directory">Its directory.</param>
/// <param name="Report">The report written.</param>
/// <param name="Outcome">How the run ended; null while it runs and after a crash.</param>
/// <param name="Epochs">Epochs recorded.</param>
/// <param name="EpochsPlanned">Epochs that the run was to have.</param>
/// <param name="AccuracyFinal">Accuracy on the test set in [0, 1]; null where it was not read.</param>
/// <param name="AccuracyValidation">Validation accuracy after the last epoch recorded, in [0, 1]; null before the first.</param>
/// <param name="Parameters">Trained parameters after the last epoch recorded.</param>
/// <param name="TrainFlops">Operations spent on training.</param>
/// <param name="Events">Lifecycle events recorded.</param>
/// <param name="Stages">Number of seeds in each stage that any is in.</param>
/// <param name="Warnings">What was left out in reading.</param>
internal sealed record ReportDocument(
    string RunId,
    string Directory,
    string Report,
    RunOutcome? Outcome,
    int Epochs,
    int EpochsPlanned,
    double? AccuracyFinal,
    double? AccuracyValidation,
    long Parameters,
    double TrainFlops,
    int Events,
    IReadOnlyDictionary<string, int> Stages,
    ImmutableArray<string> Warnings);

/// <summary><c>esper report</c>: renders the report of a run again.</summary>
internal static class ReportCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> directory = new("DIR")
        {
            Description = "Directory of a run (--out of 'esper train') or of an experiment (--output of 'esper experiment').",
        };
        Option<string> file = new("--out")
        {
            HelpName = "FILE",
            Description = "Where to write the report. [default: DIR/report.html]",
        };
        Option<bool> json = CommonOptions.Json("a summary of the run, or the results of the experiment");
        return new EsperCommand("report", "Render the report of a run or an experiment, finished or not, as HTML.")
            .With(directory)
            .WithGroup("Output", file, json)
            .WithExample("esper report runs/first --out first.html", "a report to pass on")
            .Does(parsed => ExperimentDirectory.Is(parsed.GetRequiredValue(directory))
                ? ExperimentOutput.Write(environment, parsed.GetRequiredValue(directory), parsed.GetValue(file), parsed.GetValue(json))
                : Run(environment, parsed.GetRequiredValue(directory), parsed.GetValue(file), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string path, string? file, bool json)
    {
        RunDirectory directory = RunDirectory.Open(path);
        RunRecord record = RunRecord.Load(directory);
        string report = Path.GetFullPath(file ?? directory.ReportPath);
        RunReport.WriteTo(record, report);
        foreach (string warning in record.Warnings)
        {
            environment.Error.WriteLine($"warning: {warning}");
        }

        if (json)
        {
            JsonOutput.Write(environment.Output, Describe(record, directory, report));
        }
        else
        {
            environment.Output.WriteLine(report);
        }

        return ExitCode.Success;
    }

    private static ReportDocument Describe(RunRecord record, RunDirectory directory, string report)
    {
        EpochReport? last = record.Epochs.IsEmpty ? null : record.Epochs[^1];
        ImmutableArray<SeedReport> seeds = last?.Seeds ?? [];
        return new ReportDocument(
            record.Info.RunId,
            directory.Root,
            report,
            record.Summary?.Outcome,
            record.Epochs.Length,
            record.Info.Epochs,
            record.Summary?.AccuracyFinal,
            last?.ValidationAccuracy,
            last?.Parameters ?? record.Info.Parameters,
            last?.TrainFlops ?? 0,
            record.Events.Length,
            SeedStages.All.Select(stage => (stage, count: seeds.Count(seed => seed.Stage == stage)))
                .Where(entry => entry.count > 0)
                .ToDictionary(entry => entry.stage.ToString(), entry => entry.count),
            record.Warnings);
    }
}

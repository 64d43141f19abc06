using System.CommandLine;
using Esper.Cli.Display;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Data;
using Esper.Native;
using Esper.Tolaria.Experiments;

namespace Esper.Cli.Commands;

/// <summary><c>esper experiment</c>: conducts an experiment, or goes on with one.</summary>
internal static class ExperimentCommand
{
    private const string DataVariable = "ESPER_DATA";
    private const string Notice = "interrupted: the runs in progress write their checkpoints; the same command goes on; once more to leave at once";

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> file = new("FILE") { Description = "The experiment: arms, seeds, claims and the rules for their verdicts, in YAML." };
        Option<int> jobs = CommonOptions.Number("--jobs", "N", "Runs at a time; they share the cores.", minimum: 1, standard: 1);
        Option<string> output = new("--output")
        {
            HelpName = "DIR",
            Description = "Directory of the experiment; where it holds a part of it, that part stays. [default: runs/NAME-DIGEST]",
        };
        Option<string> data = CommonOptions.Data($"Directory or text file of the data set. Without it, {DataVariable}; glyphs needs none.");
        Option<bool> json = CommonOptions.Json("the results");
        return new EsperCommand("experiment", "Train matched arms over several seeds and judge claims by rules set before.")
            .With(file)
            .WithGroup("Machine", data, jobs)
            .WithGroup("Output", output, json)
            .WithExample("esper experiment benchmarks/experiments/smoke.yaml", "two minutes on the built-in glyphs")
            .WithExample("esper experiment benchmarks/experiments/cpu.yaml --data DIR --jobs 2", "a few hours on CIFAR-10; may be interrupted")
            .Does((parsed, _) => RunAsync(
                environment,
                parsed.GetRequiredValue(file),
                parsed.GetValue(output),
                parsed.GetValue(data),
                parsed.GetValue(jobs),
                parsed.GetValue(json)));
    }

    private static async Task<int> RunAsync(
        CliEnvironment environment, string file, string? output, string? data, int jobs, bool json)
    {
        ExperimentDefinition definition = ExperimentFile.Read(file);
        string directory = output ?? Path.Combine("runs", $"{definition.Name}-{definition.Sha256[..8]}");
        string? source = definition.Dataset == Datasets.Glyphs ? null : data ?? environment.Variable(DataVariable);
        TextWriter progress = json ? environment.Error : environment.Output;
        ExperimentOptions options = new(directory, source, jobs, NativeInfo.Cpu.LogicalCores, CommandLine.Version);
        bool complete;
        bool interrupted;
        using (Interruption interruption = environment.Listen(() => environment.Error.WriteLine(Notice), () => { }))
        {
            ExperimentRunner runner = new(environment.Launcher, environment.Clock, new ExperimentDisplay(progress, environment.Clock));
            complete = await runner.RunAsync(definition, options, interruption.Token).ConfigureAwait(false);
            interrupted = interruption.Token.IsCancellationRequested;
        }

        progress.WriteLine();
        int code = ExperimentOutput.Write(environment, directory, null, json);
        return complete ? code : interrupted ? ExitCode.Interrupted : ExitCode.Success;
    }
}

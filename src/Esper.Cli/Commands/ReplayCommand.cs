using System.CommandLine;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Tolaria;

namespace Esper.Cli.Commands;

/// <summary><c>esper replay</c>: lets the policy of a run decide again on every logged state.</summary>
internal static class ReplayCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> directory = CommonOptions.RunDirectory();
        Option<bool> json = CommonOptions.Json("what was found");
        return new EsperCommand("replay", "Decide again on every state in a run's log, and compare.")
            .With(directory)
            .WithGroup("Output", json)
            .WithExample("esper replay runs/first", "exit code 0 if every decision comes out as it was logged, 1 if not")
            .Does(parsed => Run(environment, parsed.GetRequiredValue(directory), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string directory, bool json)
    {
        ReplaySummary summary = Replayer.Replay(directory);
        if (json)
        {
            JsonOutput.Write(environment.Output, summary);
        }
        else
        {
            foreach (ReplayMismatch found in summary.Details)
            {
                environment.Output.WriteLine($"line {found.Line}, epoch {found.Epoch}, {found.Kind}: {found.Message}");
            }

            environment.Output.WriteLine(
                $"{summary.Decisions} decisions of {summary.Policy} with {summary.Commands} commands, {summary.Mismatches} mismatches");
        }

        return summary.Mismatches == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}

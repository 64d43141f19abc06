using System.CommandLine;
using Esper.Cli.Doctor;
using Esper.Cli.Options;
using Esper.Cli.Output;

namespace Esper.Cli.Commands;

/// <summary><c>esper doctor</c>: says whether training works on this machine, and what would put it right.</summary>
internal static class DoctorCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Option<string> data = CommonOptions.Data("Also look for data sets in this directory or file; glyphs is built in.");
        Option<bool> json = CommonOptions.Json("the findings");
        return new EsperCommand("doctor", "Check that this machine can train, and say what to mend.")
            .WithGroup("What to check", data)
            .WithGroup("Output", json)
            .WithExample("esper doctor --data DIR", "the machine, and the data sets in a directory")
            .Does(parsed => Run(environment, parsed.GetValue(data), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string? data, bool json)
    {
        DoctorReport report = Examination.Run(environment.Probe, data);
        if (json)
        {
            JsonOutput.Write(environment.Output, report);
        }
        else
        {
            DoctorView.Write(environment.Output, report, environment.Width);
        }

        return report.Ready ? ExitCode.Success : ExitCode.Failure;
    }
}

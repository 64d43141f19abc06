using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Esper.Cli.Commands;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts;

namespace Esper.Cli;

/// <summary>The program: finds the command, runs it, and turns every failure into a message and an exit code.</summary>
internal static class CommandLine
{
    // '@' has no meaning of its own in paths and patterns, and clustered short options do not occur.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The arguments behind <c>esper</c>.</param>
    /// <param name="environment">What it runs in.</param>
    /// <returns>The exit code, one of <see cref="ExitCode"/>.</returns>
    public static int Run(IReadOnlyList<string> args, CliEnvironment environment)
    {
        Option<bool> verbose = CommonOptions.Verbose();
        ParseResult parsed = CreateRoot(environment, verbose).Parse(args, Parsing);
        try
        {
            if (args.Count == 0)
            {
                new HelpWriter(environment.Error, environment.Width).WriteRoot((RootCommand)parsed.RootCommandResult.Command);
                return ExitCode.Usage;
            }

            UsageErrors.ThrowIfAny(parsed);
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = environment.Output,
                Error = environment.Error,
            });
        }
        catch (UsageException e)
        {
            ErrorWriter.Write(environment.Error, e.Message, e.Hint);
            return ExitCode.Usage;
        }
        catch (EsperException e)
        {
            ErrorWriter.Write(environment.Error, e.Message);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            ErrorWriter.Write(environment.Error, "interrupted");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            ErrorWriter.WriteUnexpected(environment.Error, e, parsed.GetValue(verbose));
            return ExitCode.Failure;
        }
    }

    /// <summary>Version of the program, with the commit that it was built from where that is known.</summary>
    public static string Version { get; } = VersionText(
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    /// <summary>Creates the commands.</summary>
    internal static RootCommand CreateRoot(CliEnvironment environment, Option<bool> verbose)
    {
        RootCommand root = new("Esper trains neural networks that grow: seeds learn beside the layers of a host network, are blended in, "
            + "and stay only where they are measured to help.");
        root.Options.Clear();
        HelpOption help = new("--help", "-h") { Description = "Show help.", Action = new HelpPage(environment) };
        VersionOption version = new("--version") { Description = "Show the version.", Action = new VersionLine(environment) };
        root.Options.Add(help);
        root.Options.Add(version);
        root.Options.Add(verbose);
        root.Add(TrainCommand.Create(environment));
        root.Add(EvalCommand.Create(environment));
        root.Add(ExperimentCommand.Create(environment));
        root.Add(ReportCommand.Create(environment));
        root.Add(ReplayCommand.Create(environment));
        root.Add(BenchCommand.Create(environment));
        root.Add(HostsCommand.Create(environment));
        root.Add(SitesCommand.Create(environment));
        root.Add(ImportCommand.Create(environment));
        root.Add(RunCommand.Create(environment));
        root.Add(BlueprintsCommand.Create(environment));
        root.Add(DoctorCommand.Create(environment));
        return root;
    }

    private static string VersionText(string informational) => informational.Split('+') switch
    {
        [var version, { Length: >= 8 } commit] => $"esper {version} ({commit[..8]})",
        [var version, ..] => $"esper {version}",
        _ => "esper",
    };

    private sealed class HelpPage(CliEnvironment environment) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            HelpWriter writer = new(environment.Output, environment.Width);
            RootCommand root = (RootCommand)parseResult.RootCommandResult.Command;
            if (parseResult.CommandResult.Command is EsperCommand command)
            {
                writer.WriteCommand(command, root.Options.Where(option => option.Recursive));
            }
            else
            {
                writer.WriteRoot(root);
            }

            return ExitCode.Success;
        }
    }

    private sealed class VersionLine(CliEnvironment environment) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            environment.Output.WriteLine(Version);
            return ExitCode.Success;
        }
    }
}

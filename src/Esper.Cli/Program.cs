using Esper.Cli;

return CommandLine.Run(args, CliEnvironment.OfProcess());

using Esper.Cli;

return PolicyHost.IsMeant(args) ? PolicyHost.Run() : CommandLine.Run(args, CliEnvironment.OfProcess());

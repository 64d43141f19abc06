using System.CommandLine;
using System.CommandLine.Parsing;
using Esper.Cli.Output;
using Esper.Contracts;

namespace Esper.Cli;

/// <summary>Finds what is wrong with a command line, and the words for it.</summary>
internal static class UsageErrors
{
    private static readonly string[] SuggestionMarks = [" Did you mean ", " Known", " Forms"];

    /// <summary>Throws if the command line is wrong and nothing in it, such as <c>--help</c>, makes that void.</summary>
    /// <exception cref="UsageException">It is wrong; the first mistake is told.</exception>
    public static void ThrowIfAny(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (SwallowedOption(parsed) is { } swallowed)
        {
            throw Unmatched(parsed, command, swallowed);
        }

        if (parsed.Errors.Count == 0)
        {
            return;
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            throw Unmatched(parsed, command, parsed.UnmatchedTokens[0]);
        }

        ParseError error = parsed.Errors[0];
        throw error.SymbolResult switch
        {
            _ when command is RootCommand => NoCommand(command),
            OptionResult { Tokens.Count: 0 } option when option.Option.Arity.MinimumNumberOfValues > 0 => MissingValue(option.Option),
            CommandResult or ArgumentResult when MissingArgument(parsed) is { } missing => new UsageException(
                $"'{HelpWriter.UsageOf(command)}' needs {missing.Name}", missing.Description),
            OptionResult { Tokens.Count: > 1 } option when error.Message.Contains("single argument", StringComparison.Ordinal) =>
                new UsageException($"{option.Option.Name} is given {option.IdentifierTokenCount} times", "give it once"),
            _ => Worded(error, command),
        };
    }

    /// <summary>Messages that end in what would be right are parted there; others are followed by what the option takes.</summary>
    private static UsageException Worded(ParseError error, Command command)
    {
        int end = SuggestionMarks.Select(mark => error.Message.IndexOf(mark, StringComparison.Ordinal))
            .Where(index => index > 0).DefaultIfEmpty(-1).Min();
        if (end > 0)
        {
            string hint = error.Message[(end + 1)..];
            return new UsageException(error.Message[..end], char.ToLowerInvariant(hint[0]) + hint[1..]);
        }

        Option? option = (error.SymbolResult as OptionResult ?? error.SymbolResult?.Parent as OptionResult)?.Option;
        return new UsageException(error.Message, option is null ? SeeHelp(command) : Explain(option));
    }

    private static UsageException Unmatched(ParseResult parsed, Command command, string token)
    {
        if (token.StartsWith('-'))
        {
            string name = token.Split('=', ':')[0];
            IEnumerable<string> known = command.Options
                .Concat(parsed.RootCommandResult.Command.Options.Where(option => option.Recursive)).Select(option => option.Name);
            string place = command is RootCommand ? "esper" : $"esper {command.Name}";
            return new UsageException($"'{place}' has no option '{name}'", DidYouMean(name, known) ?? SeeHelp(command));
        }

        if (command is RootCommand)
        {
            return new UsageException(
                $"there is no command '{token}'", DidYouMean(token, command.Subcommands.Select(known => known.Name)) ?? SeeHelp(command));
        }

        return new UsageException($"'{HelpWriter.UsageOf(command)}' does not take '{token}'", SeeHelp(command));
    }

    /// <summary>An unknown option that the parser took for an argument; behind <c>--</c> it is one.</summary>
    private static string? SwallowedOption(ParseResult parsed) =>
        parsed.Action?.ClearsParseErrors == true || parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            ? null
            : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
                .Select(token => token.Value).FirstOrDefault(text => text.Length > 1 && text[0] == '-');

    private static UsageException NoCommand(Command root) => new(
        "no command is given", $"the commands are {string.Join(", ", root.Subcommands.Select(command => command.Name))}");

    private static UsageException MissingValue(Option option) =>
        new($"{option.Name} needs a value", Explain(option));

    private static Argument? MissingArgument(ParseResult parsed) => parsed.CommandResult.Command.Arguments
        .FirstOrDefault(argument => argument.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(argument) is not { Tokens.Count: > 0 });

    private static string? DidYouMean(string word, IEnumerable<string> known) =>
        Suggestion.Nearest(word, known) is { } nearest ? $"did you mean '{nearest}'?" : null;

    private static string Explain(Option option) => $"{option.Name} {option.HelpName}: {option.Description}";

    private static string SeeHelp(Command command) =>
        command is RootCommand ? "'esper --help' shows the commands" : $"'esper {command.Name} --help' shows what it takes";
}

using System.CommandLine;

namespace Esper.Cli.Output;

/// <summary>Writes the help of a command.</summary>
internal sealed class HelpWriter
{
    private const int Indent = 2;
    private const int Column = 28;
    private readonly TextWriter _output;
    private readonly int _width;

    /// <summary>Creates a writer.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="width">Characters in a line; help is laid out for 60 to 100.</param>
    public HelpWriter(TextWriter output, int width)
    {
        _output = output;
        _width = Math.Clamp(width, 60, 100);
    }

    /// <summary>Writes the help of the program.</summary>
    public void WriteRoot(RootCommand root)
    {
        Paragraph(root.Description ?? string.Empty);
        Usage("esper COMMAND [options]");
        Title("Commands");
        foreach (Command command in root.Subcommands)
        {
            Row(command.Name, command.Description);
        }

        Options("Options", root.Options);
        WriteExamples(
        [
            new Example("esper train --epochs 10", "train a small network on the built-in glyphs and let it grow"),
            new Example("esper doctor", "check that this machine can"),
        ]);
        Title("Exit codes");
        Row("0", "done as asked");
        Row("1", "could not be done: bad data or configuration, a broken environment");
        Row("2", "the command line is wrong");
        Row("130", "interrupted; 'esper train --resume DIR' continues");
        _output.WriteLine();
        Paragraph("'esper COMMAND --help' explains a command.");
    }

    /// <summary>Writes the help of a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="everywhere">Options that all commands have.</param>
    public void WriteCommand(EsperCommand command, IEnumerable<Option> everywhere)
    {
        Paragraph(command.Description ?? string.Empty);
        Usage($"{UsageOf(command)} [options]");
        if (command.Arguments.Count > 0)
        {
            Title("Arguments");
            foreach (Argument argument in command.Arguments)
            {
                Row(argument.Name, argument.Description);
            }
        }

        foreach (OptionGroup group in command.Groups)
        {
            Options(group.Title, group.Options);
        }

        Options("Everywhere", everywhere);
        WriteExamples(command.Examples);
    }

    /// <summary>How a command is called, with its arguments: <c>esper report DIR</c>.</summary>
    public static string UsageOf(Command command) => string.Join(' ',
        [
            "esper",
            command.Name,
            .. command.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name}]" : argument.Name),
        ]);

    private void Usage(string line)
    {
        Title("Usage");
        _output.WriteLine($"  {line}");
    }

    private void WriteExamples(IReadOnlyList<Example> examples)
    {
        if (examples.Count == 0)
        {
            return;
        }

        Title("Examples");
        foreach (Example example in examples)
        {
            _output.WriteLine($"  {example.CommandLine}");
            _output.WriteLine($"      {example.Purpose}");
        }
    }

    private void Options(string title, IEnumerable<Option> options)
    {
        Title(title);
        foreach (Option option in options.Where(option => !option.Hidden))
        {
            string names = string.Join(", ", option.Aliases.Where(alias => alias.Length == 2).Append(option.Name));
            Row(option.HelpName is { } value ? $"{names} {value}" : names, option.Description);
        }
    }

    private void Title(string title)
    {
        _output.WriteLine();
        _output.WriteLine($"{title}:");
    }

    private void Paragraph(string text)
    {
        foreach (string line in TextWrap.Lines(text, _width))
        {
            _output.WriteLine(line);
        }
    }

    private void Row(string term, string? description)
    {
        string head = new string(' ', Indent) + term;
        if (head.Length > Column - 2)
        {
            _output.WriteLine(head);
            head = string.Empty;
        }

        foreach (string line in TextWrap.Lines(description ?? string.Empty, _width - Column))
        {
            _output.WriteLine(head.PadRight(Column) + line);
            head = string.Empty;
        }
    }
}

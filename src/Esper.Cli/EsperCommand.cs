using System.CommandLine;
using Esper.Cli.Options;

namespace Esper.Cli;

/// <summary>A command with what its help shows besides descriptions: titled groups of options, and examples.</summary>
internal sealed class EsperCommand : Command
{
    private readonly List<OptionGroup> _groups = [];
    private readonly List<Example> _examples = [];

    /// <summary>Creates a command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="summary">What it does, in one sentence; root help lists it.</param>
    public EsperCommand(string name, string summary)
        : base(name, summary)
    {
    }

    /// <summary>The groups of options, in the order of help.</summary>
    public IReadOnlyList<OptionGroup> Groups => _groups;

    /// <summary>Examples of use.</summary>
    public IReadOnlyList<Example> Examples => _examples;

    /// <summary>Adds options under a title.</summary>
    public EsperCommand WithGroup(string title, params IEnumerable<Option> options)
    {
        Option[] members = [.. options];
        _groups.Add(new OptionGroup(title, members));
        foreach (Option option in members)
        {
            Add(option);
        }

        return this;
    }

    /// <summary>Adds options that set configuration keys, under a title.</summary>
    public EsperCommand WithGroup(string title, IEnumerable<ConfigOption> options) =>
        WithGroup(title, options.Select(bound => bound.Option));

    /// <summary>Adds an argument.</summary>
    public EsperCommand With(Argument argument)
    {
        Add(argument);
        return this;
    }

    /// <summary>Adds an example.</summary>
    /// <param name="commandLine">The command line.</param>
    /// <param name="purpose">What it is for.</param>
    public EsperCommand WithExample(string commandLine, string purpose)
    {
        _examples.Add(new Example(commandLine, purpose));
        return this;
    }

    /// <summary>Sets what the command does.</summary>
    public EsperCommand Does(Func<ParseResult, int> action)
    {
        SetAction(action);
        return this;
    }

    /// <summary>Sets what the command does.</summary>
    public EsperCommand Does(Func<ParseResult, CancellationToken, Task<int>> action)
    {
        SetAction(action);
        return this;
    }
}

/// <summary>Options that help shows together.</summary>
/// <param name="Title">Their title.</param>
/// <param name="Options">The options.</param>
internal sealed record OptionGroup(string Title, IReadOnlyList<Option> Options);

/// <summary>An example of use.</summary>
/// <param name="CommandLine">The command line.</param>
/// <param name="Purpose">What it is for.</param>
internal sealed record Example(string CommandLine, string Purpose);

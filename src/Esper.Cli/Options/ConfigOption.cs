using System.CommandLine;
using System.CommandLine.Parsing;
using Esper.Cli.Output;
using Esper.Contracts;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Options;

/// <summary>An option that sets one configuration key; its type and its default are those of the key.</summary>
internal sealed class ConfigOption
{
    private readonly string? _flagValue;

    private ConfigOption(ConfigKey key, Option option, string? flagValue)
    {
        Key = key;
        Option = option;
        _flagValue = flagValue;
    }

    /// <summary>The key.</summary>
    public ConfigKey Key { get; }

    /// <summary>The option, to be added to a command.</summary>
    public Option Option { get; }

    /// <summary>Makes an option with a value.</summary>
    /// <param name="name">Name, such as <c>--epochs</c>.</param>
    /// <param name="path">Path of the key.</param>
    /// <param name="value">How help names the value, such as <c>N</c>.</param>
    /// <param name="description">What it does, with the unit; the default is added from the key.</param>
    /// <param name="objection">Says what is wrong with a value, null if nothing; without it, the key's type decides alone.</param>
    public static ConfigOption WithValue(
        string name, string path, string value, string description, Func<string, string?>? objection = null)
    {
        ConfigKey key = ConfigKeys.Of(path);
        Option<string> option = new(name)
        {
            HelpName = value,
            Description = $"{description}{DefaultOf(key)}",
            CustomParser = result => Check(result, name, key, objection),
        };
        return new ConfigOption(key, option, null);
    }

    /// <summary>Makes an option without a value, which gives its key a fixed one.</summary>
    public static ConfigOption Flag(string name, string path, string flagValue, string description) =>
        new(ConfigKeys.Of(path), new Option<bool>(name) { Description = description }, flagValue);

    /// <summary>Whether the command line has the option.</summary>
    public bool IsIn(ParseResult parsed) => _flagValue is null
        ? parsed.GetResult(Option) is { Implicit: false }
        : parsed.GetValue((Option<bool>)Option);

    /// <summary>The configuration as the option changes it; unchanged where the command line has it not.</summary>
    public RunConfig Apply(ParseResult parsed, RunConfig config) => IsIn(parsed)
        ? Key.Set(config, Key.Parse(_flagValue ?? parsed.GetRequiredValue((Option<string>)Option)))
        : config;

    /// <summary>Makes an option whose value is one of several names.</summary>
    /// <param name="name">Name of the option.</param>
    /// <param name="path">Path of the key.</param>
    /// <param name="description">What it does; the default is added from the key.</param>
    /// <param name="choices">The names.</param>
    public static ConfigOption WithChoice(string name, string path, string description, params IReadOnlyCollection<string> choices) =>
        WithValue(name, path, "NAME", description, text => choices.Contains(text) ? null : $"'{text}' is unknown. {Suggestion.Phrase(text, choices)}");

    private static string DefaultOf(ConfigKey key)
    {
        string text = ConfigValue.Format(key.Get(new RunConfig()));
        return text.Length == 0 ? string.Empty : $" [default:{TextWrap.Unbroken}{text}]";
    }

    private static string Check(ArgumentResult result, string name, ConfigKey key, Func<string, string?>? objection)
    {
        string text = result.Tokens[0].Value;
        try
        {
            key.Parse(text);
        }
        catch (FormatException e)
        {
            result.AddError($"{name}: {e.Message}");
            return text;
        }

        if (objection?.Invoke(text) is { } wrong)
        {
            result.AddError($"{name}: {wrong}");
        }

        return text;
    }
}

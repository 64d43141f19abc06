using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts;
using YamlDotNet.RepresentationModel;

namespace Esper.Tolaria.Experiments;

/// <summary>Reads the keys of one mapping of an experiment's file; errors name the line and the fix.</summary>
internal sealed class YamlSection
{
    private readonly YamlMappingNode _node;
    private readonly string _origin;
    private readonly string _what;

    /// <summary>Opens a mapping.</summary>
    /// <param name="node">The mapping.</param>
    /// <param name="origin">The file, as errors name it.</param>
    /// <param name="what">What it describes, as errors name it: <c>an experiment</c>.</param>
    /// <param name="known">Its keys; any other is an error.</param>
    public YamlSection(YamlMappingNode node, string origin, string what, params IReadOnlyCollection<string> known)
    {
        (_node, _origin, _what) = (node, origin, what);
        foreach (YamlNode key in node.Children.Keys)
        {
            if (!known.Contains(key.ToString()))
            {
                throw Error(key, $"unknown key '{key}' of {what}. {Suggestion.Phrase(key.ToString(), known)}");
            }
        }
    }

    /// <summary>An error at a place of the file.</summary>
    public EsperException Error(YamlNode place, string message) => new($"{_origin}, line {place.Start.Line}: {message}");

    /// <summary>An error at a key, or at the mapping where it is absent.</summary>
    public EsperException ErrorAt(string key, string message) => Error(Find(key) ?? _node, message);

    /// <summary>Whether the key is there.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>The node of a key; null if absent.</summary>
    public YamlNode? Find(string key) => _node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value) ? value : null;

    /// <summary>A text; an error where the key is absent and there is no <paramref name="standard"/>.</summary>
    public string Text(string key, string? standard = null) => Find(key) switch
    {
        YamlScalarNode { Value: { Length: > 0 } value } => value.Trim(),
        null => standard ?? throw Error(_node, $"{_what} needs '{key}'."),
        { } other => throw Error(other, $"'{key}' must be a text."),
    };

    /// <summary>One of several names.</summary>
    public string OneOf(string key, IReadOnlyCollection<string> known, string? standard = null)
    {
        string text = Text(key, standard);
        return known.Contains(text) ? text : throw ErrorAt(key, $"{key}: '{text}' is unknown. {Suggestion.Phrase(text, known)}");
    }

    /// <summary>A number in a range; null where the key is absent.</summary>
    public double? Number(string key, double low, double high) => Find(key) switch
    {
        null => null,
        YamlScalarNode { Value: { } text }
            when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= low && value <= high => value,
        { } other => throw Error(other, string.Create(
            CultureInfo.InvariantCulture, $"{key}: '{other}' is not a number from {low:G9} to {high:G9}.")),
    };

    /// <summary>True or false; false where the key is absent.</summary>
    public bool Flag(string key) => Find(key) switch
    {
        null => false,
        YamlScalarNode { Value: "true" } => true,
        YamlScalarNode { Value: "false" } => false,
        { } other => throw Error(other, $"{key}: '{other}' is neither true nor false."),
    };

    /// <summary>Texts: a sequence, or one alone; empty where the key is absent.</summary>
    public ImmutableArray<string> Texts(string key) => Find(key) switch
    {
        null => [],
        YamlScalarNode { Value: { Length: > 0 } one } => [one],
        YamlSequenceNode many when many.Children.All(item => item is YamlScalarNode { Value.Length: > 0 }) =>
            [.. many.Children.Select(item => item.ToString())],
        { } other => throw Error(other, $"'{key}' must be a list of texts."),
    };

    /// <summary>The mapping below a key; an empty one where it is absent.</summary>
    public YamlMappingNode Mapping(string key) => Find(key) switch
    {
        null => [],
        YamlMappingNode mapping => mapping,
        { } other => throw Error(other, $"'{key}' must be a mapping: its keys stand below it."),
    };

    /// <summary>The mappings of a sequence; empty where the key is absent.</summary>
    public ImmutableArray<YamlMappingNode> Mappings(string key) => Find(key) switch
    {
        null => [],
        YamlSequenceNode many when many.Children.All(item => item is YamlMappingNode) => [.. many.Children.Cast<YamlMappingNode>()],
        { } other => throw Error(other, $"'{key}' must be a list of mappings, each starting with '- name: ...'."),
    };
}

using System.Reflection;
using System.Text.Json;
using Esper.Contracts;
using Esper.Tolaria.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Esper.Tolaria.Experiments;

/// <summary>Parts of a YAML file as configurations, with errors that name the lines of the file.</summary>
internal static class YamlNodes
{
    /// <summary>Keys that an experiment sets by itself, with where they come from.</summary>
    private static readonly Dictionary<string, string> Reserved = new(StringComparer.Ordinal)
    {
        ["seed"] = "the experiment's 'seeds' set it",
        ["dataset"] = "the experiment's 'dataset' sets it, the same for all arms",
        ["data"] = "'esper experiment --data PATH' or ESPER_DATA sets it, so that the file holds on every machine",
        ["threads"] = "'esper experiment --jobs N' shares the cores out",
        ["steps"] = "'match' sets it",
        ["start_from"] = "an arm of kind 'upgrade' sets it",
    };

    /// <summary>Reads the one document of a file.</summary>
    /// <exception cref="EsperException">The text is no YAML mapping; names the line.</exception>
    public static YamlMappingNode Parse(string text, string origin)
    {
        YamlStream stream = [];
        using StringReader reader = new(text);
        Parser parser = new(reader);
        try
        {
            stream.Load(parser);
        }
        catch (YamlException error)
        {
            throw new EsperException($"{origin}, line {error.Start.Line}, column {error.Start.Column}: {error.Message}", error);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            // What an unclosed bracket ends as.
            throw new EsperException(
                $"{origin}, line {parser.Current?.End.Line ?? 1}: not well-formed YAML behind this line; look for an open bracket or quote.", error);
        }

        return stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode root
            ? root
            : throw new EsperException($"{origin}: an experiment is one YAML mapping that starts with 'name: ...'.");
    }

    /// <summary>A mapping over another one: sections are joined, everything else is replaced.</summary>
    public static YamlMappingNode Merge(YamlMappingNode below, YamlMappingNode above)
    {
        YamlMappingNode merged = [];
        foreach ((YamlNode key, YamlNode value) in below.Children)
        {
            YamlNode? over = above.Children.TryGetValue(key, out YamlNode? found) ? found : null;
            merged.Add(key, (value, over) is (YamlMappingNode lower, YamlMappingNode upper) ? Merge(lower, upper) : over ?? value);
        }

        foreach ((YamlNode key, YamlNode value) in above.Children.Where(entry => !below.Children.ContainsKey(entry.Key)))
        {
            merged.Add(key, value);
        }

        return merged;
    }

    /// <summary>Refuses keys that no configuration has, and those that the experiment sets by itself.</summary>
    /// <exception cref="EsperException">Names the line and the fix.</exception>
    public static void RequireConfigKeys(YamlMappingNode node, string origin)
    {
        foreach (YamlNode key in node.Children.Keys)
        {
            if (Reserved.TryGetValue(key.ToString(), out string? source))
            {
                throw new EsperException($"{origin}, line {key.Start.Line}: key '{key}' cannot be set here: {source}.");
            }
        }

        RequireKeys(node, typeof(RunConfig), string.Empty, origin);
    }

    /// <summary>The configuration that a mapping stands for.</summary>
    /// <exception cref="EsperException">A value is not of its key's type; names the line.</exception>
    public static RunConfig ToConfig(YamlMappingNode node, string origin) => ConfigFile.Parse(new NodeParser(node), origin);

    private static void RequireKeys(YamlMappingNode node, Type record, string prefix, string origin)
    {
        Dictionary<string, PropertyInfo> known = record.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .ToDictionary(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        foreach ((YamlNode key, YamlNode value) in node.Children)
        {
            if (!known.TryGetValue(key.ToString(), out PropertyInfo? property))
            {
                throw new EsperException(
                    $"{origin}, line {key.Start.Line}: unknown key '{prefix}{key}'. {Suggestion.Phrase(key.ToString(), known.Keys)} "
                    + "'esper train --print-config' shows all of them with their defaults.");
            }

            if (property.PropertyType.GetMethod("<Clone>$") is not null)
            {
                YamlMappingNode section = value as YamlMappingNode
                    ?? throw new EsperException($"{origin}, line {value.Start.Line}: '{prefix}{key}' is a section, its keys stand below it.");
                RequireKeys(section, property.PropertyType, $"{prefix}{key}.", origin);
            }
        }
    }

    /// <summary>The events of a node, with its places in the file, for YamlDotNet's deserializer.</summary>
    private sealed class NodeParser(YamlNode root) : IParser
    {
        private readonly IEnumerator<ParsingEvent> _events = Events(root).GetEnumerator();

        public ParsingEvent? Current { get; private set; }

        public bool MoveNext()
        {
            bool more = _events.MoveNext();
            Current = more ? _events.Current : null;
            return more;
        }

        private static IEnumerable<ParsingEvent> Events(YamlNode node)
        {
            (Mark start, Mark end) = (node.Start, node.End);
            switch (node)
            {
                case YamlScalarNode scalar:
                    bool plain = scalar.Style is ScalarStyle.Plain or ScalarStyle.Any;
                    yield return new Scalar(
                        AnchorName.Empty, scalar.Tag, scalar.Value ?? string.Empty, scalar.Style, plain, !plain, start, end);
                    break;
                case YamlSequenceNode sequence:
                    yield return new SequenceStart(AnchorName.Empty, sequence.Tag, true, sequence.Style, start, end);
                    foreach (ParsingEvent inner in sequence.Children.SelectMany(Events))
                    {
                        yield return inner;
                    }

                    yield return new SequenceEnd(start, end);
                    break;
                case YamlMappingNode mapping:
                    yield return new MappingStart(AnchorName.Empty, mapping.Tag, true, mapping.Style, start, end);
                    foreach (ParsingEvent inner in mapping.Children.SelectMany(entry => Events(entry.Key).Concat(Events(entry.Value))))
                    {
                        yield return inner;
                    }

                    yield return new MappingEnd(start, end);
                    break;
                default:
                    throw new InvalidOperationException($"YAML node of kind {node.NodeType} at line {start.Line}.");
            }
        }
    }
}

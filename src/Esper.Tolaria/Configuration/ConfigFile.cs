using System.Collections.Immutable;
using Esper.Contracts;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Esper.Tolaria.Configuration;

/// <summary>Reads and writes <see cref="RunConfig"/> as YAML with snake-case keys. Unknown keys are errors.</summary>
public static class ConfigFile
{
    /// <summary>Reads a configuration file.</summary>
    /// <exception cref="EsperException">The file is missing, malformed or has an unknown key; names line and column.</exception>
    public static RunConfig Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new EsperException($"Configuration file '{path}' does not exist.");
        }

        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Reads a configuration from text; <paramref name="origin"/> names it in errors.</summary>
    /// <exception cref="EsperException">The text is malformed or has an unknown key.</exception>
    public static RunConfig Parse(string yaml, string origin) => Deserialize(origin, reader => reader.Deserialize<RunConfig?>(yaml));

    /// <summary>Reads a configuration from a part of another file, whose lines errors name.</summary>
    /// <exception cref="EsperException">A value is not of its key's type, or a key is unknown.</exception>
    internal static RunConfig Parse(IParser events, string origin) => Deserialize(origin, reader => reader.Deserialize<RunConfig?>(events));

    private static RunConfig Deserialize(string origin, Func<IDeserializer, RunConfig?> read)
    {
        IDeserializer reader = new DeserializerBuilder()
            .WithNamingConvention(UnderscoredNamingConvention.Instance)
            .WithTypeConverter(new ImmutableArrayConverter())
            .WithDuplicateKeyChecking()
            .Build();
        try
        {
            return read(reader) ?? new RunConfig();
        }
        catch (YamlException error)
        {
            string detail = error.InnerException?.Message ?? error.Message;
            throw new EsperException(
                $"{origin}, line {error.Start.Line}, column {error.Start.Column}: {detail} "
                + "Keys are snake case; 'esper train --print-config' shows all of them with their defaults.",
                error);
        }
    }

    /// <summary>The configuration as YAML.</summary>
    public static string Write(RunConfig config) => new SerializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .WithTypeConverter(new ImmutableArrayConverter())
        .Build()
        .Serialize(config);

    /// <summary>Flow sequences for the immutable arrays of strings and numbers that the configuration uses.</summary>
    private sealed class ImmutableArrayConverter : IYamlTypeConverter
    {
        public bool Accepts(Type type) => type == typeof(ImmutableArray<string>) || type == typeof(ImmutableArray<double>);

        public object ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer) =>
            type == typeof(ImmutableArray<string>)
                ? (object)ImmutableArray.Create((string[])rootDeserializer(typeof(string[]))!)
                : ImmutableArray.Create((double[])rootDeserializer(typeof(double[]))!);

        public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer)
        {
            emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, true, SequenceStyle.Flow));
            if (value is ImmutableArray<string> names)
            {
                foreach (string name in names)
                {
                    serializer(name);
                }
            }
            else if (value is ImmutableArray<double> numbers)
            {
                foreach (double number in numbers)
                {
                    serializer(number);
                }
            }

            emitter.Emit(new SequenceEnd());
        }
    }
}

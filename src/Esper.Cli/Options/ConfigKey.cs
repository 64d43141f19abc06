using System.Collections.Immutable;
using System.Reflection;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Options;

/// <summary>One key of the configuration, by its path in a configuration file, such as <c>lifecycle.kappa</c>.</summary>
internal sealed class ConfigKey
{
    private readonly ImmutableArray<PropertyInfo> _properties;
    private readonly bool _nullable;

    /// <summary>Creates the key.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="properties">The properties that lead from <see cref="RunConfig"/> to the value.</param>
    public ConfigKey(string path, ImmutableArray<PropertyInfo> properties)
    {
        Path = path;
        _properties = properties;
        Type type = properties[^1].PropertyType;
        _nullable = Nullable.GetUnderlyingType(type) is not null
            || (!type.IsValueType && new NullabilityInfoContext().Create(properties[^1]).WriteState == NullabilityState.Nullable);
    }

    /// <summary>Path in a configuration file.</summary>
    public string Path { get; }

    /// <summary>Type of the value.</summary>
    public Type Type => _properties[^1].PropertyType;

    /// <summary>Reads a value.</summary>
    /// <exception cref="FormatException">The text is no value for this key; the message says what would be.</exception>
    public object? Parse(string text) => ConfigValue.Parse(text, Type, _nullable);

    /// <summary>The value in a configuration.</summary>
    public object? Get(RunConfig config)
    {
        object? value = config;
        foreach (PropertyInfo property in _properties)
        {
            value = property.GetValue(value);
        }

        return value;
    }

    /// <summary>The configuration with this key set; the one given stays as it is.</summary>
    public RunConfig Set(RunConfig config, object? value) => (RunConfig)Set(config, 0, value);

    private object Set(object record, int depth, object? value)
    {
        PropertyInfo property = _properties[depth];
        object? content = depth == _properties.Length - 1
            ? value
            : Set(property.GetValue(record)!, depth + 1, value);

        // What the compiler makes of `record with { ... }`: clone, then the init accessor.
        MethodInfo clone = record.GetType().GetMethod("<Clone>$")
            ?? throw new NotSupportedException($"{record.GetType().Name} is not a record.");
        object copy = clone.Invoke(record, null)!;
        property.SetValue(copy, content);
        return copy;
    }
}

using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>A node's attribute: a name and one value of one kind.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "Attribute is ONNX's term for it.")]
public sealed record HostAttribute
{
    private HostAttribute(string name, EsperHostAttributeKind kind)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Kind = kind;
    }

    /// <summary>ONNX's name of the attribute.</summary>
    public string Name { get; }

    internal EsperHostAttributeKind Kind { get; }

    internal long IntValue { get; private init; }

    internal double FloatValue { get; private init; }

    internal string? StringValue { get; private init; }

    internal ImmutableArray<long> IntValues { get; private init; } = [];

    internal ImmutableArray<double> FloatValues { get; private init; } = [];

    /// <summary>A whole number.</summary>
    public static HostAttribute Int(string name, long value) =>
        new(name, EsperHostAttributeKind.Int) { IntValue = value };

    /// <summary>A real number.</summary>
    public static HostAttribute Float(string name, double value) =>
        new(name, EsperHostAttributeKind.Float) { FloatValue = value };

    /// <summary>A text.</summary>
    public static HostAttribute String(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(name, EsperHostAttributeKind.String) { StringValue = value };
    }

    /// <summary>Whole numbers.</summary>
    public static HostAttribute Ints(string name, params ReadOnlySpan<long> values) =>
        new(name, EsperHostAttributeKind.Ints) { IntValues = [.. values] };

    /// <summary>Real numbers.</summary>
    public static HostAttribute Floats(string name, params ReadOnlySpan<double> values) =>
        new(name, EsperHostAttributeKind.Floats) { FloatValues = [.. values] };
}

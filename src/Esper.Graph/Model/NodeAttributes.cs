using System.Collections;
using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Attributes of a node, enumerated in order of their names. Equal when names and values are.</summary>
public sealed class NodeAttributes : IEquatable<NodeAttributes>, IReadOnlyCollection<KeyValuePair<string, AttributeValue>>
{
    private readonly ImmutableSortedDictionary<string, AttributeValue> _values;

    private NodeAttributes(ImmutableSortedDictionary<string, AttributeValue> values) => _values = values;

    /// <summary>No attributes.</summary>
    public static NodeAttributes None { get; } = new(ImmutableSortedDictionary.Create<string, AttributeValue>(StringComparer.Ordinal));

    /// <summary>Number of attributes.</summary>
    public int Count => _values.Count;

    /// <summary>Creates attributes from pairs of name and value; a repeated name is an error.</summary>
    public static NodeAttributes Of(params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var builder = None._values.ToBuilder();
        foreach ((string name, AttributeValue value) in attributes)
        {
            builder.Add(name, value);
        }

        return new NodeAttributes(builder.ToImmutable());
    }

    /// <summary>These attributes with one added or replaced.</summary>
    public NodeAttributes With(string name, AttributeValue value) => new(_values.SetItem(name, value));

    /// <summary>The attribute of that name, null if there is none.</summary>
    public AttributeValue? Find(string name) => _values.GetValueOrDefault(name);

    /// <summary>A whole number, or <paramref name="fallback"/> where absent.</summary>
    public long Int(string name, long fallback) => Find(name)?.Int ?? fallback;

    /// <summary>A real number, or <paramref name="fallback"/> where absent.</summary>
    public double Float(string name, double fallback) => Find(name)?.Float ?? fallback;

    /// <summary>A text, or <paramref name="fallback"/> where absent.</summary>
    public string String(string name, string fallback) => Find(name)?.String ?? fallback;

    /// <summary>A list of whole numbers, or null where absent.</summary>
    public ImmutableArray<long>? Ints(string name) => Find(name)?.Ints;

    /// <summary>Whether names and values are equal.</summary>
    public bool Equals(NodeAttributes? other) => other is not null && _values.SequenceEqual(other._values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NodeAttributes);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach ((string name, AttributeValue value) in _values)
        {
            hash.Add(name);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    /// <summary>Enumerates the attributes in order of their names.</summary>
    public IEnumerator<KeyValuePair<string, AttributeValue>> GetEnumerator() => _values.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

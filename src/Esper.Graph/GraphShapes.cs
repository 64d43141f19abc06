using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Esper.Graph;

/// <summary>Element type and shape of every value of a graph, by name.</summary>
public sealed class GraphShapes : IReadOnlyDictionary<string, TensorType>
{
    private readonly Dictionary<string, TensorType> _types;

    internal GraphShapes(Dictionary<string, TensorType> types) => _types = types;

    /// <summary>Names of the values.</summary>
    public IEnumerable<string> Keys => _types.Keys;

    /// <summary>Types of the values.</summary>
    public IEnumerable<TensorType> Values => _types.Values;

    /// <summary>Number of values.</summary>
    public int Count => _types.Count;

    /// <summary>Type of a value.</summary>
    /// <exception cref="GraphException">The graph has no value of that name.</exception>
    public TensorType this[string key] =>
        _types.TryGetValue(key, out TensorType? type) ? type : throw new GraphException($"the graph has no value '{key}'");

    /// <summary>Whether the graph has a value of that name.</summary>
    public bool ContainsKey(string key) => _types.ContainsKey(key);

    /// <summary>Finds the type of a value.</summary>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TensorType value) => _types.TryGetValue(key, out value);

    /// <summary>Enumerates the values: inputs, parameters, constants, then node outputs in graph order.</summary>
    public IEnumerator<KeyValuePair<string, TensorType>> GetEnumerator() => _types.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

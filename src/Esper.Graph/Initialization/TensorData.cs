using System.Security.Cryptography;
using System.Runtime.InteropServices;

namespace Esper.Graph;

/// <summary>Numbers of a parameter that were there before, row-major. Equal when all of them are, bit by bit.</summary>
public sealed class TensorData : IEquatable<TensorData>
{
    private readonly Lazy<string> _digest;

    /// <summary>Takes the memory as it is; nobody may write it from here on.</summary>
    public TensorData(ReadOnlyMemory<float> values)
    {
        Values = values;
        _digest = new Lazy<string>(() => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(Values.Span))));
    }

    /// <summary>The numbers.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>SHA-256 of the numbers' bytes, in hexadecimal digits.</summary>
    public string Digest => _digest.Value;

    /// <summary>Whether all numbers are equal, bit by bit.</summary>
    public bool Equals(TensorData? other) =>
        other is not null
        && (ReferenceEquals(this, other)
            || MemoryMarshal.AsBytes(Values.Span).SequenceEqual(MemoryMarshal.AsBytes(other.Values.Span)));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorData);

    /// <inheritdoc/>
    public override int GetHashCode() => Values.Length;
}

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
        _digest = new Lazy<string>(DigestOf);
    }

    /// <summary>The numbers.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>SHA-256 of the numbers' bytes, in hexadecimal digits.</summary>
    public string Digest => _digest.Value;

    /// <summary>Whether all numbers are equal, bit by bit; of the same memory, and of other lengths, no number is looked at.</summary>
    public bool Equals(TensorData? other) =>
        other is not null
        && (ReferenceEquals(this, other)
            || Values.Equals(other.Values)
            || (Values.Length == other.Values.Length
                && MemoryMarshal.Cast<float, int>(Values.Span).SequenceEqual(MemoryMarshal.Cast<float, int>(other.Values.Span))));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorData);

    /// <inheritdoc/>
    public override int GetHashCode() => Values.Length;

    // In parts: the bytes of a large tensor are more than a span can hold.
    private string DigestOf()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        const int Part = 1 << 20;
        for (int start = 0; start < Values.Length; start += Part)
        {
            hash.AppendData(MemoryMarshal.AsBytes(Values.Span.Slice(start, Math.Min(Part, Values.Length - start))));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

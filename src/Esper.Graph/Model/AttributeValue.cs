using System.Collections.Immutable;
using System.Globalization;

namespace Esper.Graph;

/// <summary>Kind of an attribute. The numbers are those of <c>esper_host_attribute_kind</c>.</summary>
public enum AttributeKind
{
    /// <summary>One whole number.</summary>
    Int = 1,

    /// <summary>One real number.</summary>
    Float = 2,

    /// <summary>A text.</summary>
    String = 3,

    /// <summary>A list of whole numbers.</summary>
    Ints = 4,

    /// <summary>A list of real numbers.</summary>
    Floats = 5,
}

/// <summary>Value of a node's attribute. Equal when kind and content are.</summary>
public sealed class AttributeValue : IEquatable<AttributeValue>
{
    private readonly long _int;
    private readonly double _float;
    private readonly string? _string;
    private readonly ImmutableArray<long> _ints;
    private readonly ImmutableArray<double> _floats;

    private AttributeValue(
        AttributeKind kind, long @int = 0, double @float = 0, string? @string = null, ImmutableArray<long> ints = default,
        ImmutableArray<double> floats = default)
    {
        Kind = kind;
        _int = @int;
        _float = @float;
        _string = @string;
        _ints = ints;
        _floats = floats;
    }

    /// <summary>Which of the properties below holds the value; the others throw.</summary>
    public AttributeKind Kind { get; }

    /// <summary>The whole number.</summary>
    public long Int => Kind == AttributeKind.Int ? _int : throw Mismatch(AttributeKind.Int);

    /// <summary>The real number.</summary>
    public double Float => Kind == AttributeKind.Float ? _float : throw Mismatch(AttributeKind.Float);

    /// <summary>The text.</summary>
    public string String => Kind == AttributeKind.String ? _string! : throw Mismatch(AttributeKind.String);

    /// <summary>The whole numbers.</summary>
    public ImmutableArray<long> Ints => Kind == AttributeKind.Ints ? _ints : throw Mismatch(AttributeKind.Ints);

    /// <summary>The real numbers.</summary>
    public ImmutableArray<double> Floats => Kind == AttributeKind.Floats ? _floats : throw Mismatch(AttributeKind.Floats);

    /// <summary>A whole number.</summary>
    public static AttributeValue Of(long value) => new(AttributeKind.Int, @int: value);

    /// <summary>A real number.</summary>
    public static AttributeValue Of(double value) => new(AttributeKind.Float, @float: value);

    /// <summary>A text.</summary>
    public static AttributeValue Of(string value) => new(AttributeKind.String, @string: value);

    /// <summary>A list of whole numbers.</summary>
    public static AttributeValue Of(ReadOnlySpan<long> values) => new(AttributeKind.Ints, ints: [.. values]);

    /// <summary>A list of real numbers.</summary>
    public static AttributeValue Of(ReadOnlySpan<double> values) => new(AttributeKind.Floats, floats: [.. values]);

    /// <summary>A whole number.</summary>
    public static implicit operator AttributeValue(long value) => Of(value);

    /// <summary>A real number.</summary>
    public static implicit operator AttributeValue(double value) => Of(value);

    /// <summary>A text.</summary>
    public static implicit operator AttributeValue(string value) => Of(value);

    /// <summary>A list of whole numbers.</summary>
    public static implicit operator AttributeValue(long[] values) => Of(values);

    /// <summary>A list of real numbers.</summary>
    public static implicit operator AttributeValue(double[] values) => Of(values);

    /// <summary>Whether kind and content are equal.</summary>
    public bool Equals(AttributeValue? other) =>
        other is not null && Kind == other.Kind && Kind switch
        {
            AttributeKind.Int => _int == other._int,
            AttributeKind.Float => _float.Equals(other._float),
            AttributeKind.String => _string == other._string,
            AttributeKind.Ints => _ints.AsSpan().SequenceEqual(other._ints.AsSpan()),
            _ => _floats.AsSpan().SequenceEqual(other._floats.AsSpan()),
        };

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AttributeValue);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, ToString());

    /// <summary>The value as text, lists in brackets.</summary>
    public override string ToString() => Kind switch
    {
        AttributeKind.Int => _int.ToString(CultureInfo.InvariantCulture),
        AttributeKind.Float => _float.ToString("R", CultureInfo.InvariantCulture),
        AttributeKind.String => _string!,
        AttributeKind.Ints => "[" + string.Join(", ", _ints) + "]",
        _ => "[" + string.Join(", ", _floats.Select(f => f.ToString("R", CultureInfo.InvariantCulture))) + "]",
    };

    private InvalidOperationException Mismatch(AttributeKind wanted) => new($"The attribute is of kind {Kind}, not {wanted}.");
}

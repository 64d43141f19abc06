namespace Esper.Graph;

/// <summary>
/// A number that is known before the batch is: fixed, or a fixed multiple of the batch size N. Held as binary64: whole numbers are exact up to
/// 2^53, and larger ones ("up to the end" in a Slice) stay larger than any extent.
/// </summary>
internal readonly record struct SymbolicNumber(double Value, bool IsDynamic = false)
{
    /// <summary>The largest whole number up to which all are exact.</summary>
    public const double Exact = 9007199254740992;

    public static implicit operator SymbolicNumber(double value) => new(value);

    /// <summary>The number without its fraction; the largest (smallest) of 64 bits where it lies beyond them, 0 where it is none.</summary>
    public long Whole => Value >= long.MaxValue ? long.MaxValue : Value <= long.MinValue ? long.MinValue : double.IsNaN(Value) ? 0 : (long)Value;

    /// <summary>The whole number; null where it depends on the batch.</summary>
    public long? ToFixed() => IsDynamic ? null : Whole;

    public static SymbolicNumber Of(Dimension extent) => new(extent.Size, extent.IsDynamic);

    /// <summary>The extent; null where it is none: negative, broken or too large.</summary>
    public Dimension? ToDimension() =>
        Value >= 0 && Value <= Exact && Value == Math.Floor(Value) ? new Dimension((long)Value, IsDynamic && Value != 0) : null;

    public static SymbolicNumber? Add(SymbolicNumber a, SymbolicNumber b) =>
        a.IsDynamic == b.IsDynamic ? Of(a.Value + b.Value, a.IsDynamic) : a.Value == 0 ? b : b.Value == 0 ? a : null;

    public static SymbolicNumber? Multiply(SymbolicNumber a, SymbolicNumber b) =>
        a.IsDynamic && b.IsDynamic ? null : Of(a.Value * b.Value, a.IsDynamic || b.IsDynamic);

    /// <summary>The quotient; of whole numbers the truncated one, as ONNX divides.</summary>
    public static SymbolicNumber? Divide(SymbolicNumber a, SymbolicNumber b, bool whole)
    {
        if (b.Value == 0 || (b.IsDynamic && !a.IsDynamic))
        {
            return null;
        }

        double quotient = a.Value / b.Value;
        bool dynamic = a.IsDynamic && !b.IsDynamic;

        // N * 3 / 2 is no multiple of N once it is truncated.
        return !whole ? Of(quotient, dynamic)
            : quotient == Math.Truncate(quotient) ? Of(quotient, dynamic)
            : dynamic ? null
            : Of(Math.Truncate(quotient), false);
    }

    /// <summary><c>N</c>, <c>N*128</c> or the number.</summary>
    public override string ToString() => !IsDynamic ? $"{Value}" : Value == 1 ? "N" : $"N*{Value}";

    // 0 times N is 0.
    private static SymbolicNumber Of(double value, bool dynamic) => new(value, dynamic && value != 0);
}

using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Arithmetic on known contents, with broadcasting.</summary>
internal static class ContentArithmetic
{
    public static KnownTensor? Evaluate(Node node, ImmutableArray<KnownTensor?> contents)
    {
        KnownTensor a = contents[0]!;
        bool whole = !a.IsReal;
        return node.Op switch
        {
            "Identity" => a,
            "Cast" => Cast(a, (ElementType)node.Attributes.Int("to", 0)),
            "Neg" => Unary(a, x => -x, linear: true),
            "Abs" => Unary(a, Math.Abs),
            "Floor" => Unary(a, Math.Floor),
            "Ceil" => Unary(a, Math.Ceiling),
            "Round" => Unary(a, x => Math.Round(x, MidpointRounding.ToEven)),
            "Sqrt" => Unary(a, Math.Sqrt),
            "Exp" => Unary(a, Math.Exp),
            "Log" => Unary(a, Math.Log),
            "Reciprocal" => Unary(a, x => 1 / x),
            "Not" => Unary(a, x => x == 0 ? 1 : 0),
            "Add" => Fold(contents, SymbolicNumber.Add),
            "Sub" => Fold(contents, (x, y) => SymbolicNumber.Add(x, new SymbolicNumber(-y.Value, y.IsDynamic))),
            "Mul" => Fold(contents, SymbolicNumber.Multiply),
            "Div" => Fold(contents, (x, y) => SymbolicNumber.Divide(x, y, whole)),
            "Mod" when whole && node.Attributes.Int("fmod", 0) == 0 => Fold(contents, Fixed((x, y) => y == 0 ? double.NaN : x - (y * Math.Floor(x / y)))),
            "Pow" => Fold(contents, Fixed(Math.Pow)),
            "Min" => Fold(contents, Ordered(Math.Min)),
            "Max" => Fold(contents, Ordered(Math.Max)),
            "Equal" => Compare(contents, (x, y) => x == y),
            "Less" => Compare(contents, (x, y) => x < y),
            "LessOrEqual" => Compare(contents, (x, y) => x <= y),
            "Greater" => Compare(contents, (x, y) => x > y),
            "GreaterOrEqual" => Compare(contents, (x, y) => x >= y),
            "And" => Compare(contents, (x, y) => x != 0 && y != 0),
            "Or" => Compare(contents, (x, y) => x != 0 || y != 0),
            "Where" => Where(contents),
            _ => null,
        };
    }

    private static KnownTensor? Cast(KnownTensor a, ElementType to)
    {
        double Convert(double value) => to switch
        {
            ElementType.Float32 => (float)value,
            ElementType.Float64 => value,
            ElementType.Bool => value != 0 ? 1 : 0,
            _ => Math.Truncate(value),
        };
        bool certain = a.Numbers.All(number => !number.IsDynamic || Convert(number.Value) == number.Value)
            && (to != ElementType.UInt8 || a.Numbers.All(number => number.Value is >= 0 and <= 255));
        return certain ? a with { ElementType = to, Numbers = [.. a.Numbers.Select(number => number with { Value = Convert(number.Value) })] } : null;
    }

    private static KnownTensor? Unary(KnownTensor a, Func<double, double> function, bool linear = false) =>
        linear || a.IsFixed
            ? Rounded(a with { Numbers = [.. a.Numbers.Select(number => number with { Value = function(number.Value) })] })
            : null;

    private static Func<SymbolicNumber, SymbolicNumber, SymbolicNumber?> Fixed(Func<double, double, double> function) =>
        (x, y) => x.IsDynamic || y.IsDynamic ? null : new SymbolicNumber(function(x.Value, y.Value));

    // Of two multiples of N the order is that of their factors.
    private static Func<SymbolicNumber, SymbolicNumber, SymbolicNumber?> Ordered(Func<double, double, double> function) =>
        (x, y) => x.IsDynamic == y.IsDynamic ? x with { Value = function(x.Value, y.Value) } : null;

    private static KnownTensor? Fold(
        ImmutableArray<KnownTensor?> contents, Func<SymbolicNumber, SymbolicNumber, SymbolicNumber?> function)
    {
        KnownTensor? result = contents[0];
        for (int i = 1; i < contents.Length && result is not null; i++)
        {
            result = Broadcast(result, contents[i]!, function) is { } next ? Rounded(next) : null;
        }

        return result;
    }

    // N is unknown but at least 1: it equals no negative number and not 0, and nothing more is said.
    private static KnownTensor? Compare(ImmutableArray<KnownTensor?> contents, Func<double, double, bool> holds)
    {
        KnownTensor? result = Broadcast(contents[0]!, contents[1]!, (x, y) =>
        {
            bool certain = x.IsDynamic == y.IsDynamic || (x.IsDynamic ? y : x).Value <= 0;
            return certain && x.Value * (x.IsDynamic ? 1 : 0) >= 0 && y.Value * (y.IsDynamic ? 1 : 0) >= 0
                ? new SymbolicNumber(holds(x.Value, y.Value) ? 1 : 0)
                : null;
        });
        return result is null ? null : result with { ElementType = ElementType.Bool };
    }

    private static KnownTensor? Where(ImmutableArray<KnownTensor?> contents)
    {
        KnownTensor condition = contents[0]!, yes = contents[1]!, no = contents[2]!;
        if (!condition.IsFixed)
        {
            return null;
        }

        // Through an index into pairs of (yes, no), so that both broadcast with the condition.
        KnownTensor? taken = Broadcast(condition, yes, (c, x) => c.Value != 0 ? x : new SymbolicNumber(double.NaN));
        KnownTensor? left = Broadcast(condition, no, (c, x) => c.Value != 0 ? new SymbolicNumber(double.NaN) : x);
        return taken is null || left is null
            ? null
            : Broadcast(taken, left, (x, y) => double.IsNaN(x.Value) ? y : x) is { } result ? result with { ElementType = yes.ElementType } : null;
    }

    /// <summary>Applies a function to all pairs; null where one of them has no result, or where the result is large.</summary>
    private static KnownTensor? Broadcast(
        KnownTensor a, KnownTensor b, Func<SymbolicNumber, SymbolicNumber, SymbolicNumber?> function)
    {
        if (Extents(a.Extents, b.Extents) is not { } extents)
        {
            return null;
        }

        long count = extents.Aggregate(1L, (product, extent) => product * extent);
        ImmutableArray<SymbolicNumber>.Builder numbers = ImmutableArray.CreateBuilder<SymbolicNumber>((int)count);
        for (long i = 0; i < count; i++)
        {
            if (function(a.Numbers[At(a.Extents, extents, i)], b.Numbers[At(b.Extents, extents, i)]) is not { } number)
            {
                return null;
            }

            numbers.Add(number);
        }

        return new KnownTensor(a.ElementType, extents, numbers.MoveToImmutable());
    }

    /// <summary>Extents of two tensors broadcast with each other; null where they do not fit or the result is large.</summary>
    public static ImmutableArray<long>? Extents(ImmutableArray<long> a, ImmutableArray<long> b)
    {
        int rank = Math.Max(a.Length, b.Length);
        long[] extents = new long[rank];
        long count = 1;
        for (int i = 1; i <= rank; i++)
        {
            long x = i <= a.Length ? a[^i] : 1, y = i <= b.Length ? b[^i] : 1;
            if (x != y && x != 1 && y != 1)
            {
                return null;
            }

            extents[^i] = x == 1 ? y : x;
            count *= extents[^i];
            if (count > KnownTensor.LargestCount)
            {
                return null;
            }
        }

        return [.. extents];
    }

    /// <summary>Place in a tensor of what a larger tensor, that it is broadcast to, has at <paramref name="index"/>.</summary>
    public static int At(ImmutableArray<long> small, ImmutableArray<long> large, long index)
    {
        long place = 0, stride = 1;
        for (int i = 1; i <= large.Length; i++)
        {
            long at = index % large[^i];
            index /= large[^i];
            if (i <= small.Length)
            {
                place += small[^i] == 1 ? 0 : at * stride;
                stride *= small[^i];
            }
        }

        return (int)place;
    }

    private static KnownTensor Rounded(KnownTensor a) =>
        a.ElementType == ElementType.Float32
            ? a with { Numbers = [.. a.Numbers.Select(number => number with { Value = (float)number.Value })] }
            : a;
}

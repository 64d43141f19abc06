using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of operators whose result has little or nothing of their input's content: shapes, sequences, masks.</summary>
internal static class GenerationRules
{
    /// <summary>x -> its extents from axis <c>start</c> to before <c>end</c>, Int64.</summary>
    public static ImmutableArray<TensorType> Shape(RuleContext c) =>
        RuleContext.One(ElementType.Int64, [ShapeRange(c.Attributes, c.Shape(0).Rank).Count]);

    /// <summary>x -> its number of elements, an Int64 scalar.</summary>
    public static ImmutableArray<TensorType> Size(RuleContext c) =>
        c.Input(0) is not null ? RuleContext.One(ElementType.Int64, TensorShape.Scalar) : [];

    /// <summary>shape (known) -> a tensor of that shape and of type <c>dtype</c>, filled with <c>value</c>.</summary>
    public static ImmutableArray<TensorType> ConstantOfShape(RuleContext c) => RuleContext.One(
        Type(c, ElementType.Float32),
        c.Extents(0, "shape") ?? throw c.Fail("its shape is missing"));

    /// <summary>start, limit, delta (known) -> start, start + delta, ... before limit.</summary>
    public static ImmutableArray<TensorType> Range(RuleContext c)
    {
        TensorType start = c.Input(0);
        for (int i = 0; i < 3; i++)
        {
            if (c.Input(i).ElementType != start.ElementType || c.Shape(i) is { IsDynamic: true } or { ElementsPerExample: not 1 })
            {
                throw c.Fail($"start, limit and delta must be single numbers of one type, '{c.Node.Inputs[i]}' is {c.Input(i)}");
            }
        }

        return RuleContext.One(
            start.ElementType, [start.ElementType == ElementType.Int64 ? WholeSteps(c) : RealSteps(c)]);
    }

    /// <summary>x [R, C] -> [R, C] of type <c>dtype</c> (x's where absent): 1 on diagonal <c>k</c>, else 0.</summary>
    public static ImmutableArray<TensorType> EyeLike(RuleContext c)
    {
        TensorType x = c.Input(0);
        return x.Shape.Rank == 2
            ? RuleContext.One(Type(c, x.ElementType), x.Shape)
            : throw c.Fail($"input {x.Shape} is no matrix");
    }

    /// <summary>indices (Int64), depth (constant), values [2] -> indices with an axis of extent depth at <c>axis</c>.</summary>
    public static ImmutableArray<TensorType> OneHot(RuleContext c)
    {
        TensorShape indices = c.Indices(0).Shape;
        if (c.Integers(1, "depth") is not [> 0 and long depth])
        {
            throw c.Fail($"its depth '{c.Node.Inputs[1]}' must be one number, 1 or larger");
        }

        TensorType values = c.Input(2);
        if (!values.Shape.Equals([2]))
        {
            throw c.Fail($"its values {values.Shape} must be two: off and on");
        }

        int axis = c.Axis(c.Attributes.Int("axis", -1), indices.Rank + 1);
        return RuleContext.One(values.ElementType, [.. indices.Take(axis), depth, .. indices.Skip(axis)]);
    }

    /// <summary>x [..., R, C], optionally k (constant) -> x with 0 below (above) diagonal k.</summary>
    public static ImmutableArray<TensorType> Trilu(RuleContext c)
    {
        if (c.Shape(0).Rank < 2 || c.Integers(1, "k") is { Length: not 1 })
        {
            throw c.Fail($"input {c.Shape(0)} must be matrices, and k one number");
        }

        return [c.Input(0)];
    }

    /// <summary>x, like -> x in the element type of like.</summary>
    public static ImmutableArray<TensorType> CastLike(RuleContext c) =>
        RuleContext.One(c.Input(1).ElementType, c.Shape(0));

    // The axes whose extents Shape gives, by its attributes start and end.
    private static (int Start, int Count) ShapeRange(NodeAttributes attributes, int rank)
    {
        long Clamp(long axis) => Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);
        long start = Clamp(attributes.Int("start", 0));
        return ((int)start, (int)Math.Max(0, Clamp(attributes.Int("end", long.MaxValue)) - start));
    }

    private static ElementType Type(RuleContext c, ElementType fallback)
    {
        ElementType type = (ElementType)c.Attributes.Int("dtype", (long)fallback);
        return Enum.IsDefined(type)
            ? type
            : throw c.Fail(
                $"dtype = {(int)type} is no element type; known: "
                + string.Join(", ", Enum.GetValues<ElementType>().Select(t => $"{(int)t} ({t})")));
    }

    private static Dimension WholeSteps(RuleContext c)
    {
        SymbolicNumber start = c.Numbers(0, "start")!.Value[0];
        SymbolicNumber limit = c.Numbers(1, "limit")!.Value[0];
        SymbolicNumber delta = c.Numbers(2, "delta")!.Value[0];
        if (delta.ToFixed() is not { } step || step == 0)
        {
            throw c.Fail($"a delta of {delta} has no meaning");
        }

        if (SymbolicNumber.Add(limit, new SymbolicNumber(-start.Value, start.IsDynamic)) is not { } way
            || (way.IsDynamic && (way.Value % step != 0 || way.Value / step < 0)))
        {
            throw c.Fail($"from {start} to {limit} in steps of {step} makes no multiple of the batch size");
        }

        return new Dimension((long)Math.Max(0, Math.Ceiling(way.Value / step)), way.IsDynamic);
    }

    private static Dimension RealSteps(RuleContext c)
    {
        double Bound(int index, string what) => c.Constant(index) is { Floats: { IsDefault: false } floats }
            ? floats[0]
            : throw c.Fail($"its {what} '{c.Node.Inputs[index]}' must be a constant");
        double delta = Bound(2, "delta");
        double steps = Math.Ceiling((Bound(1, "limit") - Bound(0, "start")) / delta);
        return steps is >= 0 and < int.MaxValue ? (long)steps
            : steps < 0 ? 0 : throw c.Fail($"{steps} steps of {delta} have no meaning");
    }
}

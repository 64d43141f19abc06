using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of operators that act element by element.</summary>
internal static class ElementwiseRules
{
    /// <summary>Floating point x -> y of the same type.</summary>
    public static ImmutableArray<TensorType> Unary(RuleContext c) => [c.Float(0)];

    /// <summary>x of any type -> y of the same type.</summary>
    public static ImmutableArray<TensorType> Same(RuleContext c) => [c.Input(0)];

    /// <summary>a, b of one element type -> their broadcast.</summary>
    public static ImmutableArray<TensorType> Binary(RuleContext c)
    {
        TensorType a = c.Input(0);
        TensorType b = c.Input(1);
        SameElements(c, a, b);
        return RuleContext.One(a.ElementType, Broadcast(c, a.Shape, b.Shape));
    }

    /// <summary>One or more inputs of one of these element types -> their broadcast.</summary>
    public static ShapeRule NAry(ImmutableArray<ElementType> allowed) => c =>
    {
        TensorType first = c.Typed(0, allowed.AsSpan());
        c.OneElementType();
        return RuleContext.One(
            first.ElementType,
            Enumerable.Range(1, c.InputCount - 1).Aggregate(first.Shape, (shape, i) => Broadcast(c, shape, c.Shape(i))));
    };

    /// <summary>x of one of these element types -> y of the same type.</summary>
    public static ShapeRule Typed(ImmutableArray<ElementType> allowed) => c => [c.Typed(0, allowed.AsSpan())];

    /// <summary>Floating point x -> Bool of the same shape.</summary>
    public static ImmutableArray<TensorType> Test(RuleContext c) => RuleContext.One(ElementType.Bool, c.Float(0).Shape);

    /// <summary>a, b of one of these element types -> Bool in the shape of their broadcast.</summary>
    public static ShapeRule Compare(ImmutableArray<ElementType> allowed)
    {
        ShapeRule operands = NAry(allowed);
        return c => RuleContext.One(ElementType.Bool, operands(c)[0].Shape);
    }

    /// <summary>a, b -> their broadcast: of whole numbers, or with <c>fmod</c> of any numbers.</summary>
    public static ImmutableArray<TensorType> Mod(RuleContext c) =>
        c.Attributes.Int("fmod", 0) != 0
            ? NAry(ElementTypes.Numbers)(c)
            : NAry(ElementTypes.Integers)(c);

    /// <summary>Numeric x, optionally scalars min and max of its type -> like x.</summary>
    public static ImmutableArray<TensorType> Clip(RuleContext c)
    {
        TensorType x = c.Typed(0, ElementTypes.Numbers.AsSpan());
        c.OneElementType();
        for (int i = 1; i < 3; i++)
        {
            if (c.Optional(i) is { } bound && (bound.Shape.IsDynamic || bound.Shape.ElementsPerExample != 1))
            {
                throw c.Fail($"its bound '{c.Node.Inputs[i]}' is {bound}, a scalar is needed");
            }
        }

        return [x];
    }

    /// <summary>Floating point x, slope that broadcasts to x -> like x.</summary>
    public static ImmutableArray<TensorType> PRelu(RuleContext c)
    {
        TensorType x = c.Float(0);
        c.OneElementType();
        TensorShape slope = c.Shape(1);
        return x.Shape.Equals(Shapes.Broadcast(x.Shape.Dimensions.AsSpan(), slope.Dimensions.AsSpan()))
            ? [x]
            : throw c.Fail($"slope {slope} does not broadcast to the input {x.Shape}");
    }

    /// <summary>condition (Bool), a, b -> the broadcast of all three.</summary>
    public static ImmutableArray<TensorType> Where(RuleContext c)
    {
        TensorType condition = c.Input(0);
        TensorType a = c.Input(1);
        TensorType b = c.Input(2);
        if (condition.ElementType != ElementType.Bool)
        {
            throw c.Fail($"its condition is {condition}, a Bool tensor is needed");
        }

        SameElements(c, a, b);
        return RuleContext.One(a.ElementType, Broadcast(c, condition.Shape, Broadcast(c, a.Shape, b.Shape)));
    }

    /// <summary>x -> the same shape in element type <c>to</c>.</summary>
    public static ImmutableArray<TensorType> Cast(RuleContext c)
    {
        ElementType to = (ElementType)c.Attributes.Int("to", 0);
        return Enum.IsDefined(to)
            ? RuleContext.One(to, c.Shape(0))
            : throw c.Fail(
                $"to = {(int)to} is no element type; known: "
                + string.Join(", ", Enum.GetValues<ElementType>().Select(t => $"{(int)t} ({t})")));
    }

    /// <summary>A fixed number of FLOPs for each output element.</summary>
    public static CostRule PerOutput(long flops) => (_, outputs) => flops * outputs[0].Shape.ElementsPerExample;

    /// <summary>So many FLOPs for each output element as inputs are joined: one less than inputs, and <paramref name="more"/>.</summary>
    public static CostRule Joined(long more) =>
        (c, outputs) => (c.InputCount - 1 + more) * outputs[0].Shape.ElementsPerExample;

    /// <summary>One FLOP for each output element and bound of Clip.</summary>
    public static long ClipCost(RuleContext c, ImmutableArray<TensorType> outputs) =>
        Enumerable.Range(1, 2).Count(i => c.Optional(i) is not null) * outputs[0].Shape.ElementsPerExample;

    /// <summary>A fixed number of FLOPs for each element of the first input.</summary>
    public static CostRule PerInput(long flops) => (c, _) => flops * c.Shape(0).ElementsPerExample;

    private static void SameElements(RuleContext c, TensorType a, TensorType b)
    {
        if (a.ElementType != b.ElementType)
        {
            throw c.Fail($"{a} and {b} differ in element type; put a Cast before one of them");
        }
    }

    private static TensorShape Broadcast(RuleContext c, TensorShape a, TensorShape b) =>
        Shapes.Broadcast(a.Dimensions.AsSpan(), b.Dimensions.AsSpan())
        ?? throw c.Fail($"shapes {a} and {b} do not broadcast");
}

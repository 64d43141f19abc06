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

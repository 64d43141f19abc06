using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes of operators that repeat their input.</summary>
internal static class ExpansionRules
{
    /// <summary>x, shape (known) -> the broadcast of x and of that shape.</summary>
    public static ImmutableArray<TensorType> Expand(RuleContext c)
    {
        TensorType x = c.Input(0);
        TensorShape wanted = c.Extents(1, "shape") ?? throw c.Fail("its shape is missing");
        return RuleContext.One(
            x.ElementType,
            Shapes.Broadcast(x.Shape.Dimensions.AsSpan(), wanted.Dimensions.AsSpan())
            ?? throw c.Fail($"shape {x.Shape} does not broadcast with {wanted}"));
    }

    /// <summary>x, repeats (known, one an axis) -> x that often behind itself.</summary>
    public static ImmutableArray<TensorType> Tile(RuleContext c)
    {
        TensorType x = c.Input(0);
        TensorShape repeats = c.Extents(1, "repeats") ?? throw c.Fail("its repeats are missing");
        if (repeats.Rank != x.Shape.Rank)
        {
            throw c.Fail($"its repeats {repeats} must be one number for each axis of {x.Shape}");
        }

        return RuleContext.One(
            x.ElementType,
            [
                .. x.Shape.Select((extent, axis) => Shapes.Product([extent, repeats[axis]])
                    ?? throw c.Fail($"axis {axis} of {x.Shape} is the batch and cannot be repeated {repeats[axis]} times")),
            ]);
    }
}

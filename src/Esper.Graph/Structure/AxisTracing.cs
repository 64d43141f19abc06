namespace Esper.Graph;

/// <summary>Where an axis goes when a tensor is rearranged.</summary>
internal static class AxisTracing
{
    /// <summary>
    /// The axis of a tensor of shape <paramref name="from"/> that an axis of its reshaping <paramref name="to"/> is; null if there is none.
    /// Row-major order is kept, so an axis is the same one where its extent and the product of the extents behind it are.
    /// </summary>
    public static int? Reshaped(TensorShape from, TensorShape to, int axis)
    {
        Dimension? inner = Shapes.Product(to.Dimensions.AsSpan()[(axis + 1)..]);
        for (int i = from.Rank - 1; i >= 0; i--)
        {
            if (inner is not null && from[i] == to[axis] && Shapes.Product(from.Dimensions.AsSpan()[(i + 1)..]) == inner)
            {
                return i;
            }
        }

        return null;
    }

    /// <summary>The input's axis that axis <paramref name="axis"/> of a Transpose's output is.</summary>
    public static int Transposed(Node transpose, int rank, int axis) =>
        transpose.Attributes.Ints("perm") is { } order ? (int)order[axis] : rank - 1 - axis;

    /// <summary>
    /// The operand's axis that an axis of an element-wise result is; null where the operand is broadcast over it.
    /// </summary>
    public static int? Broadcast(TensorShape operand, TensorShape result, int axis)
    {
        int aligned = axis - (result.Rank - operand.Rank);
        return aligned >= 0 && operand[aligned] == result[axis] ? aligned : null;
    }
}

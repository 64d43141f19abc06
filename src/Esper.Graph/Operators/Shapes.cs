namespace Esper.Graph;

/// <summary>Arithmetic on shapes that several rules share.</summary>
internal static class Shapes
{
    /// <summary>NumPy broadcasting; null where the shapes do not fit.</summary>
    public static TensorShape? Broadcast(ReadOnlySpan<Dimension> left, ReadOnlySpan<Dimension> right)
    {
        Dimension[] result = new Dimension[Math.Max(left.Length, right.Length)];
        for (int i = 1; i <= result.Length; i++)
        {
            Dimension a = i <= left.Length ? left[^i] : 1;
            Dimension b = i <= right.Length ? right[^i] : 1;
            if (a != b && a != 1 && b != 1)
            {
                return null;
            }

            result[^i] = a == 1 ? b : a;
        }

        return TensorShape.Create(result);
    }

    /// <summary>Product of extents; null where the batch size would enter squared.</summary>
    public static Dimension? Product(ReadOnlySpan<Dimension> dimensions)
    {
        long size = 1;
        int dynamics = 0;
        foreach (Dimension dimension in dimensions)
        {
            size = checked(size * dimension.Size);
            dynamics += dimension.IsDynamic ? 1 : 0;
        }

        return dynamics > 1 ? null : new Dimension(size, dynamics == 1);
    }
}

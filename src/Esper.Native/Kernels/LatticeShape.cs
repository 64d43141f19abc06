using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>Size of a site's tensor, without its channels.</summary>
/// <param name="Layout">Order in memory.</param>
/// <param name="Batch">Examples, at least 0.</param>
/// <param name="Positions">Positions an example (height x width, or tokens), at least 0.</param>
/// <param name="Width">
/// Columns of an image, of which <paramref name="Positions"/> is a multiple; depthwise alone reads it. 0 = one row.
/// </param>
public readonly record struct LatticeShape(TensorLayout Layout, long Batch, long Positions, long Width = 0)
{
    /// <summary>Number of elements with that many channels.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Batch or positions are negative.</exception>
    /// <exception cref="OverflowException">The number does not fit 64 bits.</exception>
    public long Elements(int channels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Batch);
        ArgumentOutOfRangeException.ThrowIfNegative(Positions);
        return checked(Batch * Positions * channels);
    }

    internal EsperShape ToNative()
    {
        EsperShape shape = EsperShape.Create();
        shape.Layout = (int)Layout;
        shape.Batch = Batch;
        shape.Positions = Positions;
        shape.Width = Width;
        return shape;
    }
}

namespace Esper.Native.Tests;

/// <summary>
/// Wrong lengths are refused before anything native is called: the lattice here is disposed, so that a call that got
/// through would end in <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class LengthCheckTests : IDisposable
{
    private readonly LatticeCase data = new(TensorLayout.Nchw);
    private readonly KernelContext context = new(threads: 1);
    private readonly float[] tensor = new float[345];

    public LengthCheckTests() => data.Lattice.Dispose();

    public void Dispose()
    {
        context.Dispose();
        data.Dispose();
    }

    [Fact]
    public void Right_lengths_reach_the_native_side() => Assert.Throws<ObjectDisposedException>(
        () => data.Lattice.Forward(context, data.Shape, data.Theta, data.X, tensor));

    [Fact]
    public void Forward_checks_every_length()
    {
        Refused("x has 344 elements, the shape needs 345",
            () => data.Lattice.Forward(context, data.Shape, data.Theta, data.X.AsSpan(1), tensor));
        Refused("y has 346 elements, the shape needs 345",
            () => data.Lattice.Forward(context, data.Shape, data.Theta, data.X, new float[346]));
        Refused($"theta has {data.Theta.Length - 1} parameters, the seeds reach {data.Theta.Length}",
            () => data.Lattice.Forward(context, data.Shape, data.Theta.AsSpan(1), data.X, tensor));
    }

    [Fact]
    public void Backward_checks_every_length()
    {
        float[] dtheta = new float[data.Theta.Length];
        Refused("dy has 1 elements", () => Backward(dy: new float[1]));
        Refused("dx has 2 elements", () => Backward(dx: new float[2]));
        Refused($"dtheta has 3 elements, theta has {dtheta.Length}", () => Backward(dtheta: new float[3]));
        Refused("dalpha has 2 entries, the lattice has 3 seeds", () => Backward(dalpha: new float[2]));
        Refused("sums has 4 entries, the lattice has 3 seeds", () => Backward(sums: new SeedSums[4]));
    }

    [Fact]
    public void Reference_checks_every_length()
    {
        double[] theta = LatticeCase.Widen(data.Theta), x = LatticeCase.Widen(data.X);
        Refused("y has 0 elements", () => data.Lattice.ReferenceForward(data.Shape, theta, x, []));
        Refused("y overlaps x", () => data.Lattice.ReferenceForward(data.Shape, theta, x, x));
        Refused("dtheta has 1 elements",
            () => data.Lattice.ReferenceBackward(data.Shape, theta, x, x, default, new double[1]));
    }

    [Fact]
    public void Shifted_overlap_is_refused()
    {
        float[] buffer = new float[346];
        Refused("y overlaps x shifted by 1 elements",
            () => data.Lattice.Forward(context, data.Shape, data.Theta, buffer.AsSpan(0, 345), buffer.AsSpan(1)));
    }

    [Fact]
    public void Negative_and_overflowing_shapes_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LatticeShape(TensorLayout.Nchw, -1, 1).Elements(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LatticeShape(TensorLayout.Nchw, 1, -1).Elements(1));
        Assert.Throws<OverflowException>(() => new LatticeShape(TensorLayout.Nchw, long.MaxValue / 2, 3).Elements(2));
    }

    private void Backward(
        float[]? dy = null, float[]? dx = null, float[]? dtheta = null, float[]? dalpha = null, SeedSums[]? sums = null) =>
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, dy ?? data.Dy, dx, dtheta, dalpha, sums);

    private static void Refused(string text, Action call) =>
        Assert.Contains(text, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
}

using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>Gate and depthwise through the managed API: against the oracle, by hand, and what is refused.</summary>
public sealed class ImageFamilyTests
{
    private static readonly string[] Names = ["gate-3-silu", "depthwise-3-relu+channel", "depthwise-5"];

    [Theory]
    [InlineData(TensorLayout.Nchw)]
    [InlineData(TensorLayout.Tokens)]
    public void Forward_and_backward_agree_with_the_reference(TensorLayout layout)
    {
        // 4 rows of 6 columns: neither the height nor the positions would do for the width.
        using LatticeCase data = new(new LatticeShape(layout, 2, 24, Width: 6), Names);
        using KernelContext context = new(threads: 2);
        float[] y = new float[data.X.Length], dx = new float[data.X.Length], dtheta = new float[data.Theta.Length];
        SeedSums[] sums = new SeedSums[3];
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, y);
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, dx, dtheta, default, sums);
        double[] theta = LatticeCase.Widen(data.Theta), x = LatticeCase.Widen(data.X), dy = LatticeCase.Widen(data.Dy);
        double[] ry = new double[y.Length], rdx = new double[y.Length], rdtheta = new double[theta.Length];
        data.Lattice.ReferenceForward(data.Shape, theta, x, ry);
        data.Lattice.ReferenceBackward(data.Shape, theta, x, dy, rdx, rdtheta);
        Assert.InRange(LatticeCase.Nmse(y, ry), 0, 1e-10);
        Assert.InRange(LatticeCase.Nmse(dx, rdx), 0, 1e-10);
        Assert.InRange(LatticeCase.Nmse(dtheta, rdtheta), 0, 1e-10);
        Assert.Equal([3L, 8L, 7L], sums.Select(sum => sum.HiddenUnits));
    }

    [Fact]
    public void Width_decides_what_is_beside_a_position()
    {
        using LatticeCase wide = new(new LatticeShape(TensorLayout.Nchw, 1, 24, Width: 6), Names);
        using KernelContext context = new(threads: 1);
        float[] six = new float[wide.X.Length], four = new float[wide.X.Length];
        wide.Lattice.Forward(context, wide.Shape, wide.Theta, wide.X, six);
        wide.Lattice.Forward(context, wide.Shape with { Width = 4 }, wide.Theta, wide.X, four);

        // The gate's chunk does not read it.
        int gate = wide.Seeds[0].ChannelCount * 24;
        Assert.Equal(six[..gate], four[..gate]);
        Assert.NotEqual(six[gate..], four[gate..]);
    }

    [Fact]
    public void A_width_that_does_not_divide_the_positions_is_refused()
    {
        using LatticeCase data = new(new LatticeShape(TensorLayout.Nchw, 1, 24, Width: 6), Names);
        using KernelContext context = new(threads: 1);
        float[] y = new float[data.X.Length];
        NativeException failure = Assert.Throws<NativeException>(
            () => data.Lattice.Forward(context, data.Shape with { Width = 5 }, data.Theta, data.X, y));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Contains("width", failure.NativeText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gate_scales_each_channel_by_what_the_whole_image_says()
    {
        // One channel, one hidden unit: m = 2, s = 0.5 relu(3 m - 1) + 0.25 = 2.75; f = x (1 + tanh(s / 2)).
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("gate-1-relu"), SeedStage.Holding, 1) with { ChannelCount = 1 };
        using SeedLattice lattice = new(1, [seed]);
        using KernelContext context = new(threads: 1);
        float[] y = new float[4];
        lattice.Forward(context, new LatticeShape(TensorLayout.Nchw, 1, 4, 2), [3, -1, 0.5f, 0.25f], [0, 4, 2, 2], y);
        float scale = (float)(1 + Math.Tanh(2.75 / 2));
        Assert.Equal([0, 4 * scale, 2 * scale, 2 * scale], y, (a, b) => Math.Abs(a - b) < 1e-5f);
    }

    [Fact]
    public void Depthwise_sees_the_neighbours_of_an_image_and_nothing_beyond_its_edges()
    {
        // One channel, a kernel that takes the neighbour on the left, no activation to speak of: relu of what is positive.
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("depthwise-3-relu"), SeedStage.Holding, 1) with { ChannelCount = 1 };
        using SeedLattice lattice = new(1, [seed]);
        using KernelContext context = new(threads: 1);
        float[] y = new float[4], theta = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0];
        lattice.Forward(context, new LatticeShape(TensorLayout.Nchw, 1, 4, 2), theta, [1, 2, 4, 8], y);
        Assert.Equal([1, 2 + 1, 4, 8 + 4], y);
    }

    [Theory]
    [InlineData(4, 0, "kernel is 4, expected 3, 5 or 7")]
    [InlineData(0, 0, "kernel is 0, expected 3, 5 or 7")]
    [InlineData(3, 2, "rank is 2, expected 0")]
    public void A_description_that_breaks_a_rule_is_named(int kernel, int rank, string text)
    {
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("depthwise-3"), SeedStage.Training, 0) with { Kernel = kernel, Rank = rank };
        NativeException failure = Assert.Throws<NativeException>(() => seed.ParameterCount(4));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Contains(text, failure.NativeText, StringComparison.Ordinal);
    }
}

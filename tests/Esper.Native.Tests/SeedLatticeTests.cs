using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>The lattice through the managed API against the oracle, and its laws at the boundary.</summary>
public sealed class SeedLatticeTests
{
    /// <summary>The bound of the numerics document for one float32 operation.</summary>
    private const double Tolerance = 1e-10;

    public static TheoryData<TensorLayout, CpuIsa> LayoutsAndSets()
    {
        TheoryData<TensorLayout, CpuIsa> data = [];
        foreach (TensorLayout layout in Enum.GetValues<TensorLayout>())
        {
            foreach (CpuIsa isa in Enum.GetValues<CpuIsa>().Where(isa => isa <= NativeInfo.Cpu.BestIsa))
            {
                data.Add(layout, isa);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(LayoutsAndSets))]
    public void Forward_and_backward_agree_with_the_reference(TensorLayout layout, CpuIsa isa)
    {
        using LatticeCase data = new(layout);
        using KernelContext context = new(threads: 2, isa);
        float[] y = new float[data.X.Length], dx = new float[data.X.Length];
        float[] dtheta = new float[data.Theta.Length], dalpha = new float[3];
        SeedSums[] sums = new SeedSums[3];
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, y);
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, dx, dtheta, dalpha, sums);

        double[] theta = LatticeCase.Widen(data.Theta), x = LatticeCase.Widen(data.X), dy = LatticeCase.Widen(data.Dy);
        double[] ry = new double[y.Length], rdx = new double[y.Length], rdtheta = new double[theta.Length];
        double[] rdalpha = new double[3];
        data.Lattice.ReferenceForward(data.Shape, theta, x, ry);
        data.Lattice.ReferenceBackward(data.Shape, theta, x, dy, rdx, rdtheta, rdalpha);

        Assert.InRange(LatticeCase.Nmse(y, ry), 0, Tolerance);
        Assert.InRange(LatticeCase.Nmse(dx, rdx), 0, Tolerance);
        Assert.InRange(LatticeCase.Nmse(dtheta, rdtheta), 0, Tolerance);
        Assert.InRange(LatticeCase.Nmse(dalpha, rdalpha), 0, Tolerance);
        Assert.NotEqual(data.X, y);
        Assert.Equal([120L, 120L, 105L], sums.Select(sum => sum.Elements));
        Assert.All(sums, sum => Assert.True(sum.Evaluated && sum.ModuleSquare > 0));
    }

    [Fact]
    public void Sums_are_those_of_the_chunk()
    {
        using LatticeCase data = new(TensorLayout.Tokens);
        using KernelContext context = new(threads: 1);
        SeedSums[] sums = new SeedSums[3];
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, default, default, default, sums);
        LatticeSeed seed = data.Seeds[1];
        IEnumerable<int> chunk = Enumerable.Range(0, data.X.Length)
            .Where(i => i % LatticeCase.Channels >= seed.ChannelBegin
                && i % LatticeCase.Channels < seed.ChannelBegin + seed.ChannelCount);
        Assert.Equal(chunk.Sum(i => (double)data.X[i] * data.X[i]), sums[1].InputSquare, 1e-4);
        Assert.Equal(chunk.Sum(i => (double)data.Dy[i] * data.Dy[i]), sums[1].GradientSquare, 1e-4);
    }

    [Fact]
    public void In_place_gives_the_bits_of_out_of_place()
    {
        using LatticeCase data = new(TensorLayout.Nchw);
        using KernelContext context = new(threads: 1);
        float[] y = new float[data.X.Length], x = [.. data.X];
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, y);
        data.Lattice.Forward(context, data.Shape, data.Theta, x, x);
        Assert.Equal(y, x);
    }

    [Fact]
    public void Gradients_are_added_to_dtheta()
    {
        using LatticeCase data = new(TensorLayout.Nchw);
        using KernelContext context = new(threads: 1);
        float[] once = new float[data.Theta.Length];
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, default, once);
        float[] onTop = new float[data.Theta.Length];
        Array.Fill(onTop, 1024);
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, default, onTop);
        for (int i = 0; i < once.Length; i++)
        {
            // 1024 takes ten bits of the mantissa: half a unit in its last place is 2^-14.
            Assert.Equal(1024 + once[i], onTop[i], 1.3e-4f);
        }
    }

    [Fact]
    public void Training_seeds_leave_forward_and_dx_bit_for_bit_and_learn()
    {
        using LatticeCase data = new(TensorLayout.Nchw, SeedStage.Training, alpha: 0);
        using KernelContext context = new(threads: 2);
        float[] y = new float[data.X.Length], dx = new float[data.X.Length], dtheta = new float[data.Theta.Length];
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, y);
        data.Lattice.Backward(context, data.Shape, data.Theta, data.X, data.Dy, dx, dtheta);
        Assert.Equal(data.X, y);
        Assert.Equal(data.Dy, dx);
        Assert.Contains(dtheta, value => value != 0);
        Assert.False(data.Lattice.IsBlended);
        Assert.True(data.Lattice.IsLearning);
    }

    [Fact]
    public void Update_replaces_the_seeds_and_a_failed_one_changes_nothing()
    {
        using LatticeCase data = new(TensorLayout.Nchw);
        using KernelContext context = new(threads: 1);
        float[] before = new float[data.X.Length], after = new float[data.X.Length];
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, before);
        NativeException failure = Assert.Throws<NativeException>(
            () => data.Lattice.Update([data.Seeds[0], data.Seeds[0]]));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Equal(3, data.Lattice.SeedCount);
        data.Lattice.Forward(context, data.Shape, data.Theta, data.X, after);
        Assert.Equal(before, after);

        data.Lattice.Update([]);
        Assert.Equal(0, data.Lattice.SeedCount);
        data.Lattice.Forward(context, data.Shape, [], data.X, after);
        Assert.Equal(data.X, after);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(3, 0)]
    public void Empty_tensors_are_no_error(long batch, long positions)
    {
        using LatticeCase data = new(TensorLayout.Nchw);
        using KernelContext context = new(threads: 1);
        LatticeShape shape = new(TensorLayout.Nchw, batch, positions);
        float[] dtheta = new float[data.Theta.Length], dalpha = [1, 1, 1];
        data.Lattice.Forward(context, shape, data.Theta, [], []);
        data.Lattice.Backward(context, shape, data.Theta, [], [], [], dtheta, dalpha);
        Assert.All(dtheta, value => Assert.Equal(0, value));
        Assert.Equal([0f, 0f, 0f], dalpha);
    }

    [Fact]
    public void Initial_parameters_are_the_identity_and_depend_on_their_key()
    {
        LatticeSeed seed = LatticeSeed.For(
            Esper.Contracts.Blueprints.Blueprint.Parse("bottleneck-4+gated"), SeedStage.Blending, 1) with
        { ChannelCount = 9 };
        float[] theta = seed.InitialParameters(9, key: 5);
        Assert.Equal(theta, seed.InitialParameters(9, key: 5));
        Assert.NotEqual(theta, seed.InitialParameters(9, key: 6));
        float[] x = [.. Enumerable.Range(0, 18).Select(i => i / 7f)], y = new float[18];
        using SeedLattice lattice = new(9, [seed]);
        using KernelContext context = new(threads: 1);
        lattice.Forward(context, new LatticeShape(TensorLayout.Tokens, 1, 2), theta, x, y);
        Assert.Equal(x, y);
        Assert.True(seed.ForwardFlops(9) > 2 * 2 * 4 * 9);
    }

    [Fact]
    public void Chunks_cover_the_channels_in_order()
    {
        int next = 0;
        for (int i = 0; i < 5; i++)
        {
            (int begin, int count) = Chunking.Of(23, 5, i);
            Assert.Equal((next, i < 3 ? 5 : 4), (begin, count));
            next += count;
        }

        Assert.Equal(23, next);
    }
}

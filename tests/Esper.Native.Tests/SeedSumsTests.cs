using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>Sums that backward gathers, and what follows from them.</summary>
public sealed class SeedSumsTests
{
    [Fact]
    public void Every_field_comes_across()
    {
        EsperSeedSums native = EsperSeedSums.Create();
        native.Evaluated = 1;
        native.Elements = 2;
        native.InputSquare = 3;
        native.ModuleSquare = 4;
        native.GradientSquare = 5;
        native.GradientModule = 6;
        native.InputSum = 7;
        native.ModuleSum = 8;
        native.ParameterGradientSquare = 9;
        native.HiddenUnits = 10;
        native.HiddenDead = 11;
        Assert.Equal(new SeedSums(true, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), SeedSums.FromNative(native));
    }

    [Fact]
    public void Means_variances_and_shares_follow()
    {
        // x = (1, 3), g = (2, 2): means 2 and 2, variances 1 and 0.
        SeedSums sums = new(true, 2, 10, 8, 0, 0, 4, 4, 0, 8, 2);
        Assert.Equal((2.0, 1.0), (sums.InputMean, sums.InputVariance));
        Assert.Equal((2.0, 0.0), (sums.ModuleMean, sums.ModuleVariance));
        Assert.Equal(Math.Sqrt(0.8), sums.ActivationRatio);
        Assert.Equal(0.25, sums.DeadFraction);
        SeedSums nothing = default;
        Assert.Null(nothing.InputMean);
        Assert.Null(nothing.ModuleVariance);
        Assert.Null(nothing.ActivationRatio);
        Assert.Null(nothing.DeadFraction);
    }

    [Fact]
    public void A_pass_measures_sums_parameter_gradient_and_dead_units()
    {
        // relu(x - 2) over x in [-1, 1] is dead in each of its three units; relu(x + 2) in none.
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("bottleneck-3-relu"), SeedStage.Blending, 1) with { ChannelCount = 2 };
        using SeedLattice lattice = new(2, [seed]);
        using KernelContext context = new(threads: 1);
        LatticeShape shape = new(TensorLayout.Tokens, 1, 3);
        float[] theta = new float[seed.ParameterCount(2)], x = [-1, 1, 0.5f, -0.5f, 0.25f, 0.25f], dy = [1, 1, 1, 1, 1, 1];
        (theta[0], theta[3], theta[4]) = (1, 1, 1);
        theta.AsSpan(6, 3).Fill(-2);
        theta.AsSpan(9, 6).Fill(0.5f);
        theta.AsSpan(15, 2).Fill(0.125f);
        SeedSums[] sums = new SeedSums[1];
        float[] dtheta = new float[theta.Length];
        lattice.Backward(context, shape, theta, x, dy, default, dtheta, default, sums);
        Assert.Equal((3, 3), (sums[0].HiddenUnits, sums[0].HiddenDead));
        Assert.Equal(0.5, sums[0].InputSum, 1e-6);
        Assert.Equal(0.125 * 6, sums[0].ModuleSum, 1e-6);
        Assert.Equal(dtheta.Sum(g => (double)g * g), sums[0].ParameterGradientSquare, 1e-4);

        theta.AsSpan(6, 3).Fill(2);
        lattice.Backward(context, shape, theta, x, dy, default, default, default, sums);
        Assert.Equal((3, 0, 0.0), (sums[0].HiddenUnits, sums[0].HiddenDead, sums[0].ParameterGradientSquare));
    }
}

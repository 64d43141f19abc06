using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>Every field of a seed reaches the native side.</summary>
public sealed class LatticeSeedTests
{
    [Fact]
    public void Every_field_goes_there_and_back()
    {
        LatticeSeed seed = new()
        {
            Stage = SeedStage.Holding,
            ChannelBegin = 11,
            ChannelCount = 12,
            Family = BlueprintFamily.Bottleneck,
            Activation = BlueprintActivation.Tanh,
            Rank = 13,
            Kernel = 5,
            Blend = BlendMode.Gated,
            Frozen = true,
            Alpha = 0.1f,
            Kappa = 0.2f,
            ConfidenceK = 0.3f,
            ConfidenceTau = 0.4f,
            ConfidenceLo = 0.5f,
            ConfidenceHi = 0.6f,
            Margin = 0.7f,
            LearningRateScale = 0.8f,
            ParameterOffset = 14,
        };
        Assert.Equal(seed, LatticeSeed.FromNative(seed.ToNative()));
    }

    [Fact]
    public void An_affine_seed_computes_what_its_description_says()
    {
        // One chunk [1, 3) of four channels at one position; u = (3, 4) and t = (5, 6) lie behind two other floats.
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("affine"), SeedStage.Blending, 0.5f) with
        {
            ChannelBegin = 1,
            ChannelCount = 2,
            ParameterOffset = 2,
        };
        using SeedLattice lattice = new(4, [seed]);
        using KernelContext context = new(threads: 1);
        float[] y = new float[4];
        lattice.Forward(context, new LatticeShape(TensorLayout.Tokens, 1, 1), [100, 200, 3, 4, 5, 6], [1, 2, 4, 8], y);
        Assert.Equal([1, 2 + (0.5f * 11), 4 + (0.5f * 22), 8], y);
    }
}

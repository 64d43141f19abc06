using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>One seed of a lattice: its place, its module and how the module is blended.</summary>
public sealed record LatticeSeed
{
    /// <summary>Stage. Blending, Holding and Fossilized seeds alter the forward value.</summary>
    public SeedStage Stage { get; init; }

    /// <summary>First channel of the chunk.</summary>
    public int ChannelBegin { get; init; }

    /// <summary>Number of channels of the chunk, at least 1.</summary>
    public int ChannelCount { get; init; }

    /// <summary>Family of the module.</summary>
    public BlueprintFamily Family { get; init; }

    /// <summary>Activation of bottleneck, gate and depthwise; ignored by the other families.</summary>
    public BlueprintActivation Activation { get; init; }

    /// <summary>Width of the hidden layer, 1 to 4096; 0 for affine and depthwise.</summary>
    public int Rank { get; init; }

    /// <summary>Side of the kernel of depthwise: 3, 5 or 7; 0 for the other families.</summary>
    public int Kernel { get; init; }

    /// <summary>How host and module values become one.</summary>
    public BlendMode Blend { get; init; }

    /// <summary>Whether the parameters take no gradient; the gradient of x flows as usual.</summary>
    public bool Frozen { get; init; }

    /// <summary>Blend weight in [0, 1].</summary>
    public float Alpha { get; init; }

    /// <summary>At least 0. In Training the parameter gradient comes from dy + kappa g(x).</summary>
    public float Kappa { get; init; }

    /// <summary>Slope of the confidence blend, per unit of margin.</summary>
    public float ConfidenceK { get; init; } = 1;

    /// <summary>Margin at which the sigmoid of the confidence blend is 1/2.</summary>
    public float ConfidenceTau { get; init; }

    /// <summary>Lower bound of the confidence blend's weight, 0 to <see cref="ConfidenceHi"/>.</summary>
    public float ConfidenceLo { get; init; }

    /// <summary>Upper bound of the confidence blend's weight, at most 1.</summary>
    public float ConfidenceHi { get; init; } = 1;

    /// <summary>Top-1 minus top-2 logit as the controller supplies it; read by the confidence blend.</summary>
    public float Margin { get; init; }

    /// <summary>Factor on the learning rate of this seed's parameters; read by optimizers only.</summary>
    public float LearningRateScale { get; init; } = 1;

    /// <summary>Index in theta of the seed's first parameter: module first, blend parameters behind.</summary>
    public long ParameterOffset { get; init; }

    /// <summary>A seed with a module of <paramref name="blueprint"/>; its channels are set with <c>with</c>.</summary>
    public static LatticeSeed For(Blueprint blueprint, SeedStage stage, float alpha)
    {
        ArgumentNullException.ThrowIfNull(blueprint);
        return new LatticeSeed
        {
            Stage = stage,
            Family = blueprint.Family,
            Activation = blueprint.Activation,
            Rank = blueprint.Rank,
            Kernel = blueprint.Kernel,
            Blend = blueprint.Blend,
            Alpha = alpha,
        };
    }

    /// <summary>Number of floats in theta over a chunk of that many channels, module and blend parameters together.</summary>
    /// <exception cref="NativeException">The description breaks a rule; the message names it.</exception>
    public unsafe long ParameterCount(int channels)
    {
        EsperLatticeSeed seed = ToNative(channels);
        long count;
        Status.Check(EsperApi.ParameterCount(&seed, &count));
        return count;
    }

    /// <summary>
    /// Floating point operations of the forward pass at one position (multiply and add count one each); of a gate, without the part
    /// that runs once an example (see <see cref="Blueprint.ForwardFlops"/>).
    /// </summary>
    /// <exception cref="NativeException">The description breaks a rule; the message names it.</exception>
    public unsafe long ForwardFlops(int channels)
    {
        EsperLatticeSeed seed = ToNative(channels);
        long flops;
        Status.Check(EsperApi.ForwardFlops(&seed, &flops));
        return flops;
    }

    /// <summary>Initial parameters for which the module is the identity, drawn from a generator keyed by <paramref name="key"/>.</summary>
    /// <exception cref="NativeException">The description breaks a rule; the message names it.</exception>
    public unsafe float[] InitialParameters(int channels, ulong key)
    {
        float[] parameters = new float[ParameterCount(channels)];
        EsperLatticeSeed seed = ToNative(channels);
        fixed (float* p = &Required<float>.Of(parameters))
        {
            Status.Check(EsperApi.ParameterInit(&seed, key, p));
        }

        return parameters;
    }

    internal static LatticeSeed FromNative(in EsperLatticeSeed seed) => new()
    {
        Stage = (SeedStage)seed.Stage,
        ChannelBegin = seed.ChannelBegin,
        ChannelCount = seed.ChannelCount,
        Family = (BlueprintFamily)seed.Family,
        Activation = (BlueprintActivation)seed.Activation,
        Rank = seed.Rank,
        Kernel = seed.Kernel,
        Blend = (BlendMode)seed.Blend,
        Frozen = (seed.Flags & (uint)EsperSeedFlags.Frozen) != 0,
        Alpha = seed.Alpha,
        Kappa = seed.Kappa,
        ConfidenceK = seed.ConfidenceK,
        ConfidenceTau = seed.ConfidenceTau,
        ConfidenceLo = seed.ConfidenceLo,
        ConfidenceHi = seed.ConfidenceHi,
        Margin = seed.Margin,
        LearningRateScale = seed.LearningRateScale,
        ParameterOffset = seed.ParameterOffset,
    };

    internal EsperLatticeSeed ToNative() => ToNative(ChannelCount);

    private EsperLatticeSeed ToNative(int channels)
    {
        EsperLatticeSeed seed = EsperLatticeSeed.Create();
        seed.Stage = (int)Stage;
        seed.ChannelBegin = ChannelBegin;
        seed.ChannelCount = channels;
        seed.Family = (int)Family;
        seed.Activation = (int)Activation;
        seed.Rank = Rank;
        seed.Kernel = Kernel;
        seed.Blend = (int)Blend;
        seed.Flags = Frozen ? (uint)EsperSeedFlags.Frozen : 0;
        seed.Alpha = Alpha;
        seed.Kappa = Kappa;
        seed.ConfidenceK = ConfidenceK;
        seed.ConfidenceTau = ConfidenceTau;
        seed.ConfidenceLo = ConfidenceLo;
        seed.ConfidenceHi = ConfidenceHi;
        seed.Margin = Margin;
        seed.LearningRateScale = LearningRateScale;
        seed.ParameterOffset = ParameterOffset;
        return seed;
    }
}

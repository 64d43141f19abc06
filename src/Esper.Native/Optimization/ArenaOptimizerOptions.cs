using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>Hyperparameters of one step over an arena.</summary>
public sealed record ArenaOptimizerOptions
{
    /// <summary>Update rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;

    /// <summary>Weight decay, at least 0; decoupled for AdamW.</summary>
    public float WeightDecay { get; init; }

    /// <summary>SGD: momentum in [0, 1), 0 = none.</summary>
    public float Momentum { get; init; }

    /// <summary>SGD: Nesterov's momentum; needs momentum above 0.</summary>
    public bool Nesterov { get; init; }

    /// <summary>AdamW: decay of the first moment, in [0, 1).</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>AdamW: decay of the second moment, in [0, 1).</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>AdamW: added to the root of the second moment, at least 0.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Factor on the gradient, such as a clipping factor; 1 = none.</summary>
    public float GradientScale { get; init; } = 1;

    internal EsperOptimizerOptions ToNative()
    {
        EsperOptimizerOptions options = EsperOptimizerOptions.Create();
        options.Optimizer = (int)Kind;
        options.WeightDecay = WeightDecay;
        options.Momentum = Momentum;
        options.Nesterov = Nesterov ? 1 : 0;
        options.Beta1 = Beta1;
        options.Beta2 = Beta2;
        options.Epsilon = Epsilon;
        options.GradientScale = GradientScale;
        return options;
    }
}

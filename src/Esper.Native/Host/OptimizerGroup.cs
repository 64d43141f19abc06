using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>Hyperparameters shared by a group of tensors.</summary>
public sealed record OptimizerGroup
{
    /// <summary>Factor on the step's learning rate.</summary>
    public float LearningRateScale { get; init; } = 1;

    /// <summary>Weight decay.</summary>
    public float WeightDecay { get; init; }

    /// <summary>SGD: momentum, 0 = none.</summary>
    public float Momentum { get; init; }

    /// <summary>SGD: Nesterov's momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>AdamW: decay of the first moment.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>AdamW: decay of the second moment.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>AdamW: added to the root of the second moment.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    internal EsperHostGroup ToNative()
    {
        EsperHostGroup group = EsperHostGroup.Create();
        group.LearningRateScale = LearningRateScale;
        group.WeightDecay = WeightDecay;
        group.Momentum = Momentum;
        group.Nesterov = Nesterov ? 1 : 0;
        group.Beta1 = Beta1;
        group.Beta2 = Beta2;
        group.Epsilon = Epsilon;
        return group;
    }
}

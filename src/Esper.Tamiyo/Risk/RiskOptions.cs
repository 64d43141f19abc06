namespace Esper.Tamiyo.Risk;

/// <summary>
/// Thresholds of the risk engine. A threshold that is null switches its rule off; a rule that is on and lacks a measurement refuses.
/// Rules on wall-clock times and on the machine's memory are off by default, because they make a run depend on its machine.
/// </summary>
public sealed record RiskOptions
{
    /// <summary>Rule <c>isolation</c>: least cosine of the host's gradients with and without a module in Training; null = off.</summary>
    public double? IsolationMinimum { get; init; } = 1 - 1e-6;

    /// <summary>Rule <c>gradient-explosion</c>: greatest gradient ratio newborn/host (both root mean squares); null = off.</summary>
    public double? GradientRatioMaximum { get; init; } = 1e4;

    /// <summary>Rule <c>gradient-starvation</c>: least gradient ratio newborn/host; null = off.</summary>
    public double? GradientRatioMinimum { get; init; } = 1e-6;

    /// <summary>Epochs, the last included, over which the rules on the loss look back.</summary>
    public int LossWindow { get; init; } = 10;

    /// <summary>Rule <c>loss-spike</c>: greatest last change of validation loss, in robust standard deviations; null = off.</summary>
    public double? LossSpikeMaximum { get; init; }

    /// <summary>Rule <c>loss-spike</c>: a change above this rolls the run back, in robust standard deviations; null = never.</summary>
    public double? LossSpikeRollback { get; init; }

    /// <summary>Rule <c>loss-volatility</c>: greatest robust standard deviation of the relative changes of validation loss; null = off.</summary>
    public double? LossVolatilityMaximum { get; init; }

    /// <summary>Rule <c>memory-headroom</c>: share of the device's memory that must stay free beside the module, in [0, 1]; null = off.</summary>
    public double? MemoryHeadroomMinimum { get; init; }

    /// <summary>Rule <c>latency</c>: greatest median duration of a training step, in milliseconds; null = off.</summary>
    public double? StepMsMaximum { get; init; }

    /// <summary>Rule <c>budget</c>: share of the lattice's parameter and FLOP budgets that no germination may touch, in [0, 1]; null = off.</summary>
    public double? BudgetReserve { get; init; } = 0;

    /// <summary>Rule <c>tier</c>: highest risk tier of a blueprint: <c>low</c>, <c>medium</c> or <c>high</c>; null = off.</summary>
    public string? TierMaximum { get; init; } = "high";

    /// <summary>Rule <c>confidence</c>: least confidence of a command, in [0, 1]; null = off.</summary>
    public double? ConfidenceMinimum { get; init; }
}

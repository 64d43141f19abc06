namespace Esper.Kasmina.Lifecycle;

/// <summary>Stages, ramps and gate thresholds. Durations count epochs; fractions of an epoch are steps.</summary>
public sealed record LifecycleOptions
{
    /// <summary>Epochs in Training before blending, at least.</summary>
    public int TrainingEpochs { get; init; } = 1;

    /// <summary>Epochs over which alpha rises to its target; 0 = at once.</summary>
    public double BlendEpochs { get; init; } = 0.25;

    /// <summary>Shape of the rise: <c>linear</c>, <c>cosine</c> or <c>sigmoid</c>.</summary>
    public string BlendSchedule { get; init; } = "linear";

    /// <summary>Alpha at the end of the rise, in (0, 1].</summary>
    public double AlphaTarget { get; init; } = 1;

    /// <summary>
    /// Strength of the least-squares pull in Training, in units of a position's share of the mean loss: the module fits minus
    /// the functional gradient divided by this. 0 = plain straight-through signal.
    /// </summary>
    public double Kappa { get; init; } = 1;

    /// <summary>Factor on the learning rate of seeds until they are fossilized.</summary>
    public double SeedLearningRateScale { get; init; } = 1;

    /// <summary>
    /// One more factor in Training, where the pull of kappa has a curvature of its own: that of the module's hidden values, which
    /// knows nothing of the rate that suits the host.
    /// </summary>
    public double TrainingLearningRateScale { get; init; } = 0.1;

    /// <summary>Epochs that a culled seed waits before it may be reused.</summary>
    public int EmbargoEpochs { get; init; } = 5;

    /// <summary>Epochs in Training without passing G2 after which the seed is culled.</summary>
    public int TrainingLimit { get; init; } = 4;

    /// <summary>Epochs in Holding without passing G5 after which the seed is culled, the least worthy one an epoch and none at a run's end.</summary>
    public int HoldingLimit { get; init; } = 6;

    /// <summary>G2: least gradient ratio newborn/host (both root mean squares).</summary>
    public double GradientRatioMinimum { get; init; } = 1e-6;

    /// <summary>G2: greatest gradient ratio newborn/host.</summary>
    public double GradientRatioMaximum { get; init; } = 1e4;

    /// <summary>G2: least cosine between the gradients that the chunk sees on two halves of data, in [-1, 1].</summary>
    public double SignalMinimum { get; init; } = 0.1;

    /// <summary>G4: validation loss may exceed the mean of the last three epochs by this factor at most.</summary>
    public double LossBand { get; init; } = 1.5;

    /// <summary>
    /// G5: how the gain is measured. <c>alpha</c>: the validation examples with the seed's alpha at 0, one more evaluation. <c>fork</c>: train
    /// on from here with and without the seed on the same batches, then compare; what the host makes of its absence counts.
    /// </summary>
    public string Gain { get; init; } = "alpha";

    /// <summary>G5, <c>fork</c>: steps that each branch trains on.</summary>
    public int ForkSteps { get; init; } = 50;

    /// <summary>G5, <c>fork</c>: forks of one measurement, each on batches of its own; more than one lets the data order vary.</summary>
    public int ForkOrders { get; init; } = 1;

    /// <summary>G5: evaluations of the gain needed; one evaluation is noise.</summary>
    public int GainEvaluations { get; init; } = 2;

    /// <summary>
    /// G5, <c>alpha</c>: validation examples of one evaluation, other ones at each epoch as far as there are; null = all. Where many seeds
    /// hold at once, all examples for each can take as long as an epoch of training.
    /// </summary>
    public int? GainExamples { get; init; }

    /// <summary>G5: least gain in validation loss (nats) at the lower end of its 95 % interval.</summary>
    public double GainMinimum { get; init; }

    /// <summary>G5: gain in validation loss (nats) that a doubling of the host's parameters must pay for.</summary>
    public double RentPerHost { get; init; } = 0.02;
}

using System.Collections.Immutable;
using Esper.Kasmina.Lifecycle;
using Esper.Tamiyo;
using Esper.Tamiyo.Risk;

namespace Esper.Tolaria.Configuration;

/// <summary>Everything that decides a run. Written to <c>config.yaml</c>; unknown keys in a file are errors.</summary>
public sealed record RunConfig
{
    /// <summary>Host preset, such as <c>cnn3</c>, <c>cnn3:16-32-64</c>, <c>wrn-16-1</c>, <c>mlp</c>, <c>char-gpt</c>.</summary>
    public string Host { get; init; } = "cnn3:16-32-64";

    /// <summary>Data set: <c>glyphs</c>, <c>cifar10</c>, <c>mnist</c>, <c>text</c>.</summary>
    public string Dataset { get; init; } = "glyphs";

    /// <summary>Directory (or text file) of the data set; not needed for <c>glyphs</c>.</summary>
    public string? Data { get; init; }

    /// <summary>Seed of every random choice: initial parameters, split, batch order, augmentation, policy.</summary>
    public long Seed { get; init; }

    /// <summary>Threads for computing; 0 = all cores of this process.</summary>
    public int Threads { get; init; }

    /// <summary>Device: <c>cpu</c> or <c>cuda</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Passes over the training examples.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>
    /// Epochs in which the training examples are gone through once. More than one lets policies decide, seeds change stage and
    /// validation happen several times in a pass.
    /// </summary>
    public int EpochsPerPass { get; init; } = 1;

    /// <summary>
    /// Training operations of the whole run, those of growth included; the run ends with the step that reaches them, the learning rate
    /// follows the share that is spent, and <see cref="Epochs"/> follows from it as the most there can be. What is measured between epochs
    /// (<see cref="LifecycleOptions.GainExamples"/>) is spent too, near the end at the cost of the last steps. Null = as many epochs as said.
    /// </summary>
    public double? TrainFlops { get; init; }

    /// <summary>Steps of the whole run, where it is to end within its last epoch; null = all steps of all epochs.</summary>
    public long? Steps { get; init; }

    /// <summary>
    /// A run directory or checkpoint whose parameters the run starts with (step 0, fresh optimizer); null = random ones.
    /// </summary>
    public string? StartFrom { get; init; }

    /// <summary>Examples in a batch.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>Tokens in an example of a text data set.</summary>
    public int Context { get; init; } = 128;

    /// <summary>Share of the training examples set aside for decisions, in (0, 0.5].</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Use only the first so many training examples (after the split); null = all.</summary>
    public int? TrainLimit { get; init; }

    /// <summary>Random crops and flips of training images, as the data set allows.</summary>
    public bool Augment { get; init; } = true;

    /// <summary>Label smoothing of the cross-entropy, in [0, 1).</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Optimizer.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>Course of the learning rate.</summary>
    public ScheduleConfig Schedule { get; init; } = new();

    /// <summary>Where seeds sit and what may grow.</summary>
    public LatticeConfig Lattice { get; init; } = new();

    /// <summary>How a seed passes through its stages, with the thresholds of the gates.</summary>
    public LifecycleOptions Lifecycle { get; init; } = new();

    /// <summary>When a run counts as broken, and how it is taken back.</summary>
    public GovernorConfig Governor { get; init; } = new();

    /// <summary>Who decides.</summary>
    public PolicyOptions Policy { get; init; } = new();

    /// <summary>What is refused although it was decided.</summary>
    public RiskOptions Risk { get; init; } = new();

    /// <summary>What is measured and how often.</summary>
    public TelemetryConfig Telemetry { get; init; } = new();
}

/// <summary>Optimizer settings; what is null follows the host (SGD for images, AdamW for text).</summary>
public sealed record OptimizerConfig
{
    /// <summary><c>sgd</c> or <c>adamw</c>; null = by host.</summary>
    public string? Kind { get; init; }

    /// <summary>Peak learning rate; null = by host.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Momentum of SGD, in [0, 1).</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Nesterov momentum for SGD.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>Weight decay; null = by host.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Whether normalisation scales and biases decay too; null = by host (images yes, as in common recipes).</summary>
    public bool? DecayNorms { get; init; }

    /// <summary>First moment's decay of AdamW, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Second moment's decay of AdamW, in [0, 1); null = by host.</summary>
    public double? Beta2 { get; init; }

    /// <summary>Denominator offset of AdamW.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Norm that all gradients together are clipped to; 0 = off; null = by host.</summary>
    public double? ClipNorm { get; init; }
}

/// <summary>Learning-rate schedule over the whole run.</summary>
public sealed record ScheduleConfig
{
    /// <summary><c>wsd</c> (warmup, stable, decay), <c>cosine</c> or <c>step</c>.</summary>
    public string Kind { get; init; } = "wsd";

    /// <summary>Share of all steps with a linear warm-up from 0, in [0, 1].</summary>
    public double WarmupFraction { get; init; } = 0.02;

    /// <summary>For <c>wsd</c>: share of all steps at the end in which the rate falls linearly, in [0, 1].</summary>
    public double DecayFraction { get; init; } = 0.25;

    /// <summary>Final rate as a share of the peak, in [0, 1].</summary>
    public double FinalFraction { get; init; }

    /// <summary>For <c>step</c>: shares of all steps at which the rate falls.</summary>
    public ImmutableArray<double> StepFractions { get; init; } = [0.5, 0.75];

    /// <summary>For <c>step</c>: factor at each fall, in (0, 1].</summary>
    public double StepFactor { get; init; } = 0.1;
}

/// <summary>Placement of the lattice.</summary>
public sealed record LatticeConfig
{
    /// <summary>
    /// Where seeds sit, each entry a selector: globs over the names of host values, <c>op:TYPE</c>, <c>joins</c>, <c>stages</c>,
    /// <c>auto:K</c>, <c>auto-variance:K</c>, with <c>!</c> in front to leave out; empty = the preset's own sites.
    /// </summary>
    public ImmutableArray<string> Sites { get; init; } = [];

    /// <summary>Seeds at each site.</summary>
    public int SeedsPerSite { get; init; } = 2;

    /// <summary>Blueprints that a policy may choose from, in order of preference.</summary>
    public ImmutableArray<string> Blueprints { get; init; } = ["bottleneck-32", "bottleneck-16", "lowrank-8"];

    /// <summary>Most parameters that modules may add together, as a share of the host's.</summary>
    public double ParameterBudget { get; init; } = 1.0;

    /// <summary>Most forward operations that modules may add together, as a share of the host's.</summary>
    public double FlopBudget { get; init; } = 1.0;

    /// <summary>
    /// Modules that are part of the model from its first step, each <c>SITE:SEED=BLUEPRINT</c>: fossilized, with random parameters like
    /// the host's own. They count against the budgets.
    /// </summary>
    public ImmutableArray<string> Initial { get; init; } = [];
}

/// <summary>Telemetry settings.</summary>
public sealed record TelemetryConfig
{
    /// <summary>Seeds are measured in every so many steps; 0 = never (gates that need it then fail).</summary>
    public int SeedEverySteps { get; init; } = 10;

    /// <summary>Training loss is recorded every so many steps; 0 = only at the end of an epoch.</summary>
    public int LossEverySteps { get; init; } = 20;

    /// <summary>A checkpoint is written every so many epochs; the last ones are always written.</summary>
    public int CheckpointEveryEpochs { get; init; } = 1;

    /// <summary>Checkpoints kept.</summary>
    public int CheckpointsKept { get; init; } = 2;
}

namespace Esper.Tolaria.Configuration;

/// <summary>The optimizer settings that a run uses where its configuration leaves them open.</summary>
public static class HostDefaults
{
    /// <summary>
    /// Fills every open optimizer setting: the usual CIFAR recipe (SGD, 0.1, 5e-4 on everything) for convolutional hosts, a lower rate for
    /// the MLP that has no normalisation, AdamW with clipping and no decay on norms for text.
    /// </summary>
    public static RunConfig Resolve(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        OptimizerConfig given = config.Optimizer;
        bool text = config.Host.StartsWith("char-gpt", StringComparison.Ordinal);
        string kind = given.Kind ?? (text ? "adamw" : "sgd");
        bool sgd = kind == "sgd";
        double rate = !sgd ? 1e-3 : config.Host.StartsWith("mlp", StringComparison.Ordinal) ? 0.02 : 0.1;
        OptimizerConfig resolved = given with
        {
            Kind = kind,
            LearningRate = given.LearningRate ?? rate,
            WeightDecay = given.WeightDecay ?? (sgd ? 5e-4 : text ? 0.1 : 0.01),
            DecayNorms = given.DecayNorms ?? !text,
            Beta2 = given.Beta2 ?? (text ? 0.95 : 0.999),
            ClipNorm = given.ClipNorm ?? (text ? 1.0 : 0.0),
        };
        return config with { Optimizer = resolved };
    }
}

using System.Collections.Immutable;
using System.CommandLine;
using Esper.Cli.Catalog;
using Esper.Data;
using Esper.Tamiyo;

namespace Esper.Cli.Options;

/// <summary>The options of <c>esper train</c>.</summary>
internal sealed class TrainOptions
{
    /// <summary>Creates the options.</summary>
    public TrainOptions()
    {
        Subject =
        [
            ConfigOption.WithValue("--host", "host", "SPEC", "Host network; 'esper hosts' lists them, cnn3:16-32-64 sets widths.", HostCatalog.Objection),
            ConfigOption.WithChoice("--dataset", "dataset", "Data set: glyphs (built in), cifar10, mnist or text.", Datasets.Names),
            ConfigOption.WithValue("--data", "data", "PATH", "Directory or text file of the data set; glyphs needs none."),
            ConfigOption.WithValue("--train-limit", "train_limit", "N", "Train on the first N examples only. Without it, on all."),
            ConfigOption.Flag("--no-augment", "augment", "false", "Leave training images as they are: no random crops and flips."),
        ];
        Training =
        [
            ConfigOption.WithValue("--epochs", "epochs", "N", "Passes over the training examples."),
            ConfigOption.WithValue("--batch", "batch", "B", "Examples in a batch."),
            ConfigOption.WithChoice("--optimizer", "optimizer.kind", "sgd or adamw. Without it, as suits the host.", ["sgd", "adamw"]),
            ConfigOption.WithValue("--lr", "optimizer.learning_rate", "X", "Peak learning rate. Without it, as suits the host."),
            ConfigOption.WithValue("--weight-decay", "optimizer.weight_decay", "X", "Weight decay. Without it, as suits the host."),
            ConfigOption.WithChoice("--schedule", "schedule.kind", "Course of the learning rate: wsd (warm-up, stable, decay), cosine or step.", ["wsd", "cosine", "step"]),
            ConfigOption.WithValue("--label-smoothing", "label_smoothing", "X", "Label smoothing of the loss, from 0 to below 1."),
        ];
        Growth =
        [
            ConfigOption.WithChoice("--policy", "policy.kind", $"Who decides on growth: {string.Join(", ", GrowthPolicies.Names.SkipLast(1))} or {GrowthPolicies.Names[^1]}.", GrowthPolicies.Names),
            ConfigOption.WithValue("--sites", "lattice.sites", "SELECTORS", "Where seeds sit, commas between: names of host values with * and ?, op:TYPE, joins, stages, auto:K, auto-variance:K; '!' in front leaves out. 'esper sites HOST' shows what they take. Without it, the host's own sites."),
            ConfigOption.WithValue("--seeds-per-site", "lattice.seeds_per_site", "S", "Seeds at each site."),
            ConfigOption.WithValue("--blueprints", "lattice.blueprints", "NAMES", "Modules that may grow, preferred first, commas between; 'esper blueprints' explains them.", BlueprintNames.Objection),
        ];
        Machine =
        [
            ConfigOption.WithValue("--seed", "seed", "N", "Seed of every random choice; the same seed and threads give the same bits."),
            ConfigOption.WithValue("--threads", "threads", "N", "Threads to compute with; 0 = all cores of this process."),
            ConfigOption.WithChoice("--device", "device", "cpu or cuda.", ["cpu", "cuda"]),
        ];
    }

    /// <summary>Options on what is trained.</summary>
    public ImmutableArray<ConfigOption> Subject { get; }

    /// <summary>Options on how the host is trained.</summary>
    public ImmutableArray<ConfigOption> Training { get; }

    /// <summary>Options on growth.</summary>
    public ImmutableArray<ConfigOption> Growth { get; }

    /// <summary>Options on the computation.</summary>
    public ImmutableArray<ConfigOption> Machine { get; }

    /// <summary>A configuration file.</summary>
    public Option<string> Config { get; } = new("--config")
    {
        HelpName = "FILE",
        Description = "Read the configuration from a YAML file; options on the command line override it.",
    };

    /// <summary>Any key of the configuration.</summary>
    public Option<string[]> Set { get; } = new("--set")
    {
        HelpName = "KEY=VALUE",
        Description = "Set any key of the configuration, such as lifecycle.kappa=0.5; may be given several times.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Show the configuration instead of training.</summary>
    public Option<bool> PrintConfig { get; } = new("--print-config")
    {
        Description = "Write the whole configuration as YAML, as the other options leave it, and stop.",
    };

    /// <summary>The run directory.</summary>
    public Option<string> Out { get; } = new("--out")
    {
        HelpName = "DIR",
        Description = "Directory of the run. [default: runs/HOST-DATASET-POLICY-SEED-TIME]",
    };

    /// <summary>A run to continue.</summary>
    public Option<string> Resume { get; } = new("--resume")
    {
        HelpName = "DIR",
        Description = "Continue the run in DIR from its last checkpoint. Goes with --epochs, --threads, --data, --quiet and --json only.",
    };

    /// <summary>No progress.</summary>
    public Option<bool> Quiet { get; } = new("--quiet") { Description = "Show no progress, only the result." };

    /// <summary>Stop when the input ends: how a run learns that the experiment it belongs to was killed.</summary>
    public Option<bool> WhileInput { get; } = new("--while-input")
    {
        Description = "Stop as for Ctrl-C when standard input ends.",
        Hidden = true,
    };

    /// <summary>Machine-readable output.</summary>
    public Option<bool> Json { get; } = CommonOptions.Json("the result");

    /// <summary>All options that set configuration keys.</summary>
    public IEnumerable<ConfigOption> Bound => [.. Subject, .. Training, .. Growth, .. Machine];
}

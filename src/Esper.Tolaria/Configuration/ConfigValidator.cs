using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Graph;
using Esper.Kasmina.Lifecycle;
using Esper.Tamiyo;
using Esper.Tamiyo.Risk;
using Esper.Tolaria.Optimization;

namespace Esper.Tolaria.Configuration;

/// <summary>Checks a configuration whole, before anything is loaded or computed.</summary>
public static class ConfigValidator
{
    /// <summary>Every problem found, each naming its key, the value and what is allowed; empty if there is none.</summary>
    public static ImmutableArray<string> Problems(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Checker check = new();
        CheckRun(check, config);
        CheckOptimization(check, config);
        CheckLattice(check, config.Lattice);
        CheckLifecycle(check, config.Lifecycle);
        CheckGovernor(check, config.Governor);
        CheckPolicy(check, config.Policy);
        CheckRisk(check, config.Risk);
        CheckTelemetry(check, config.Telemetry);
        return check.Problems;
    }

    /// <summary>Throws if there is any problem; the message lists all of them.</summary>
    /// <exception cref="EsperException">The configuration is not valid.</exception>
    public static void Require(RunConfig config)
    {
        ImmutableArray<string> problems = Problems(config);
        if (!problems.IsEmpty)
        {
            throw new EsperException(string.Join(Environment.NewLine, problems));
        }
    }

    private static void CheckRun(Checker check, RunConfig config)
    {
        check.Between("epochs", config.Epochs, 1, 1_000_000);
        check.Between("batch", config.Batch, 1, 1_000_000);
        check.Between("context", config.Context, 1, 1_000_000);
        check.Between("threads", config.Threads, 0, 4096);
        if (config.TrainFlops is { } flops)
        {
            check.Between("train_flops", flops, 1, 1e30);
            check.That(config.Steps is null, "steps: a run has 'train_flops' or 'steps', not both.");
        }

        check.Between("epochs_per_pass", config.EpochsPerPass, 1, 1_000_000);
        check.Between("validation_fraction", config.ValidationFraction, 1e-6, 0.5);
        check.Between("label_smoothing", config.LabelSmoothing, 0, 0.999999);
        check.OneOf("device", config.Device, ["cpu", "cuda"]);
        if (config.Steps is { } steps)
        {
            check.Between("steps", steps, 1, 1e15);
        }

        if (config.TrainLimit is { } limit)
        {
            check.Between("train_limit", limit, 1, int.MaxValue);
        }
    }

    private static void CheckOptimization(Checker check, RunConfig config)
    {
        OptimizerConfig optimizer = config.Optimizer;
        if (optimizer.Kind is { } kind)
        {
            check.OneOf("optimizer.kind", kind, ["sgd", "adamw"]);
        }

        check.Between("optimizer.learning_rate", optimizer.LearningRate ?? 1, 0, 1e6);
        check.Between("optimizer.momentum", optimizer.Momentum, 0, 0.999999);
        check.Between("optimizer.weight_decay", optimizer.WeightDecay ?? 0, 0, 1e6);
        check.Between("optimizer.beta1", optimizer.Beta1, 0, 0.999999);
        check.Between("optimizer.beta2", optimizer.Beta2 ?? 0, 0, 0.999999999);
        check.Between("optimizer.epsilon", optimizer.Epsilon, 1e-30, 1);
        check.Between("optimizer.clip_norm", optimizer.ClipNorm ?? 0, 0, 1e12);
        ScheduleConfig schedule = config.Schedule;
        check.OneOf("schedule.kind", schedule.Kind, LearningRateSchedule.Names);
        check.Between("schedule.warmup_fraction", schedule.WarmupFraction, 0, 1);
        check.Between("schedule.decay_fraction", schedule.DecayFraction, 0, 1);
        check.Between("schedule.final_fraction", schedule.FinalFraction, 0, 1);
        check.Between("schedule.step_factor", schedule.StepFactor, 1e-12, 1);
        foreach (double fraction in schedule.StepFractions)
        {
            check.Between("schedule.step_fractions", fraction, 0, 1);
        }
    }

    private static void CheckLattice(Checker check, LatticeConfig lattice)
    {
        check.Between("lattice.seeds_per_site", lattice.SeedsPerSite, 1, 1_000_000);
        check.Between("lattice.parameter_budget", lattice.ParameterBudget, 0, 1e6);
        check.Between("lattice.flop_budget", lattice.FlopBudget, 0, 1e6);
        if (SiteSurvey.Objection(lattice.Sites.IsDefault ? [] : lattice.Sites) is { } wrong)
        {
            check.That(false, $"lattice.sites: {wrong}.");
        }

        check.That(!lattice.Blueprints.IsDefaultOrEmpty, "lattice.blueprints: name at least one blueprint.");
        foreach (string name in lattice.Blueprints.IsDefault ? [] : lattice.Blueprints)
        {
            try
            {
                Blueprint.Parse(name);
            }
            catch (FormatException error)
            {
                check.That(false, $"lattice.blueprints: {error.Message}");
            }
        }

        foreach (string module in lattice.Initial.IsDefault ? [] : lattice.Initial)
        {
            try
            {
                InitialModule.Parse(module);
            }
            catch (FormatException error)
            {
                check.That(false, $"lattice.initial: {error.Message}");
            }
        }
    }

    private static void CheckLifecycle(Checker check, LifecycleOptions options)
    {
        check.Between("lifecycle.training_epochs", options.TrainingEpochs, 1, 1_000_000);
        check.Between("lifecycle.blend_epochs", options.BlendEpochs, 0, 1_000_000);
        check.OneOf("lifecycle.blend_schedule", options.BlendSchedule, AlphaSchedule.Names);
        check.Between("lifecycle.alpha_target", options.AlphaTarget, 1e-6, 1);
        check.Between("lifecycle.kappa", options.Kappa, 0, 1e12);
        check.Between("lifecycle.seed_learning_rate_scale", options.SeedLearningRateScale, 0, 1e6);
        check.Between("lifecycle.training_learning_rate_scale", options.TrainingLearningRateScale, 0, 1e6);
        check.Between("lifecycle.embargo_epochs", options.EmbargoEpochs, 0, 1_000_000);
        check.Between("lifecycle.training_limit", options.TrainingLimit, options.TrainingEpochs, 1_000_000);
        check.Between("lifecycle.holding_limit", options.HoldingLimit, options.GainEvaluations, 1_000_000);
        check.Between("lifecycle.gradient_ratio_minimum", options.GradientRatioMinimum, 0, 1e30);
        check.Between("lifecycle.gradient_ratio_maximum", options.GradientRatioMaximum, options.GradientRatioMinimum, 1e30);
        check.Between("lifecycle.signal_minimum", options.SignalMinimum, -1, 1);
        check.Between("lifecycle.loss_band", options.LossBand, 1, 1e12);
        check.OneOf("lifecycle.gain", options.Gain, ["alpha", "fork"]);
        check.Between("lifecycle.fork_steps", options.ForkSteps, 1, 1_000_000);
        check.Between("lifecycle.fork_orders", options.ForkOrders, 1, 100);
        check.Between("lifecycle.gain_evaluations", options.GainEvaluations, 2, 1_000_000);
        if (options.GainExamples is { } examples)
        {
            check.Between("lifecycle.gain_examples", examples, 2, 1_000_000_000);
        }

        check.Between("lifecycle.gain_minimum", options.GainMinimum, -1e6, 1e6);
        check.Between("lifecycle.rent_per_host", options.RentPerHost, 0, 1e6);
    }

    private static void CheckGovernor(Checker check, GovernorConfig governor)
    {
        check.Between("governor.rollbacks", governor.Rollbacks, 0, 1_000_000);
        check.Between("governor.snapshot_every_steps", governor.SnapshotEverySteps, 1, 1_000_000);
        check.Between("governor.probation_steps", governor.ProbationSteps, 1, 1_000_000);
        check.Between("governor.snapshots_kept", governor.SnapshotsKept, 1, 1000);
        check.Between("governor.loss_window", governor.LossWindow, 4, 100_000);
        check.Between("governor.loss_deviations", governor.LossDeviations, 0, 1e6);
        check.Between("governor.loss_margin", governor.LossMargin, 0, 1e6);
        check.Between("governor.loss_patience", governor.LossPatience, 1, 1000);
        check.Between("governor.collapse_share", governor.CollapseShare, 0, 1);
        check.Between("governor.rate_backoff", governor.RateBackoff, 1e-6, 1);
    }

    private static void CheckPolicy(Checker check, PolicyOptions policy)
    {
        check.OneOf("policy.kind", policy.Kind, GrowthPolicies.Names);
        check.Between("policy.start_epoch", policy.StartEpoch, 1, 1_000_000);
        check.Between("policy.last_fraction", policy.LastFraction, 0, 1);
        check.Between("policy.maximum_live", policy.MaximumLive, 1, 1_000_000);
        check.Between("policy.maximum_germinations", policy.MaximumGerminations, 1, 1_000_000);
        check.Between("policy.schedule_interval", policy.ScheduleInterval, 1, 1_000_000);
        check.Between("policy.random_probability", policy.RandomProbability, 0, 1);
        check.Between("policy.plateau_improvement", policy.PlateauImprovement, -1e6, 1);
        if (policy.PlateauWindow != 0)
        {
            check.Between("policy.plateau_window", policy.PlateauWindow, 2, 1_000_000);
        }

        check.Between("policy.probe_batches", policy.ProbeBatches, 1, 1_000_000);
        check.Between("policy.reward_scale", policy.RewardScale, 1e-9, 1e9);
        check.Between("policy.prior_gain", policy.PriorGain, -1e6, 1e6);
        check.Between("policy.prior_weight", policy.PriorWeight, 1e-9, 1e9);
        check.Between("policy.discount", policy.Discount, 1e-6, 1);
        check.Between("policy.window", policy.Window, 0, 1e9);
        check.Between("policy.epsilon", policy.Epsilon, 0, 1);
        check.Between("policy.exploration", policy.Exploration, 0, 1e6);
        check.Between("policy.ridge", policy.Ridge, 1e-9, 1e9);
        check.Between("policy.rent_parameters", policy.RentParameters, 0, 1e6);
        check.Between("policy.rent_flops", policy.RentFlops, 0, 1e6);
        check.Between("policy.cost_exponent", policy.CostExponent, 0, 1);
        check.Between("policy.flops_exponent", policy.FlopsExponent, 0, 1);
        check.Between("policy.blueprint_cap", policy.BlueprintCap, 0, 1_000_000);
        check.Between("policy.cooldown_epochs", policy.CooldownEpochs, 0, 1_000_000);
        check.Between("policy.maximum_pending", policy.MaximumPending, 1, 1_000_000);
        check.Between("policy.cohort", policy.Cohort, 1, 1_000_000);
        check.Between("policy.cohort_keep", policy.CohortKeep, 1, 1_000_000);
        check.Between("policy.decision_limit_ms", policy.DecisionLimitMs, 0, 86_400_000);
        check.Between("policy.decision_failures_maximum", policy.DecisionFailuresMaximum, 1, 1_000_000);
    }

    private static void CheckRisk(Checker check, RiskOptions risk)
    {
        check.Between("risk.isolation_minimum", risk.IsolationMinimum ?? 1, -1, 1);
        check.Between("risk.gradient_ratio_maximum", risk.GradientRatioMaximum ?? 1e30, risk.GradientRatioMinimum ?? 0, 1e30);
        check.Between("risk.gradient_ratio_minimum", risk.GradientRatioMinimum ?? 0, 0, 1e30);
        check.Between("risk.loss_window", risk.LossWindow, LossTrend.FewestLosses, 1_000_000);
        check.Between("risk.loss_spike_maximum", risk.LossSpikeMaximum ?? 1, 0, 1e12);
        check.Between("risk.loss_spike_rollback", risk.LossSpikeRollback ?? 1e12, risk.LossSpikeMaximum ?? 0, 1e12);
        check.Between("risk.loss_volatility_maximum", risk.LossVolatilityMaximum ?? 1, 0, 1e12);
        check.Between("risk.memory_headroom_minimum", risk.MemoryHeadroomMinimum ?? 0, 0, 1);
        check.Between("risk.step_ms_maximum", risk.StepMsMaximum ?? 1, 0, 86_400_000);
        check.Between("risk.budget_reserve", risk.BudgetReserve ?? 0, 0, 1);
        check.OneOf("risk.tier_maximum", risk.TierMaximum ?? RiskRules.TierNames[^1], RiskRules.TierNames);
        check.Between("risk.confidence_minimum", risk.ConfidenceMinimum ?? 0, 0, 1);
    }

    private static void CheckTelemetry(Checker check, TelemetryConfig telemetry)
    {
        check.Between("telemetry.seed_every_steps", telemetry.SeedEverySteps, 0, 1_000_000);
        check.Between("telemetry.loss_every_steps", telemetry.LossEverySteps, 0, 1_000_000);
        check.Between("telemetry.checkpoint_every_epochs", telemetry.CheckpointEveryEpochs, 1, 1_000_000);
        check.Between("telemetry.checkpoints_kept", telemetry.CheckpointsKept, 1, 1_000_000);
    }

    private sealed class Checker
    {
        private readonly ImmutableArray<string>.Builder _problems = ImmutableArray.CreateBuilder<string>();

        public ImmutableArray<string> Problems => _problems.ToImmutable();

        public void That(bool holds, string problem)
        {
            if (!holds)
            {
                _problems.Add(problem);
            }
        }

        // Written so that NaN fails.
        public void Between(string key, double value, double low, double high) =>
            That(value >= low && value <= high, $"{key}: {value:G9} is outside {low:G9} to {high:G9}.");

        public void OneOf(string key, string value, ImmutableArray<string> known)
        {
            string hint = Suggestion.Nearest(value, known) is { } near ? $" Did you mean '{near}'?" : string.Empty;
            That(known.Contains(value), $"{key}: '{value}' is unknown; known are {string.Join(", ", known)}.{hint}");
        }
    }
}

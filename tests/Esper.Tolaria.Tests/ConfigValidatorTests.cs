using Esper.Contracts;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

public sealed class ConfigValidatorTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(ConfigValidator.Problems(new RunConfig()));

    [Theory]
    [InlineData("epochs: 0", "epochs: 0 is outside 1 to")]
    [InlineData("validation_fraction: 0.6", "validation_fraction: 0.6")]
    [InlineData("label_smoothing: .nan", "label_smoothing: NaN")]
    [InlineData("device: gpu", "known are cpu, cuda")]
    [InlineData("policy: {kind: heuristik}", "Did you mean 'heuristic'?")]
    [InlineData("policy: {kind: tompson}", "Did you mean 'thompson'?")]
    [InlineData("policy: {discount: 0}", "policy.discount: 0 is outside")]
    [InlineData("policy: {discount: 1.01}", "policy.discount: 1.01")]
    [InlineData("policy: {window: -1}", "policy.window: -1")]
    [InlineData("policy: {epsilon: 2}", "policy.epsilon: 2 is outside 0 to 1")]
    [InlineData("policy: {exploration: .nan}", "policy.exploration: NaN")]
    [InlineData("policy: {ridge: 0}", "policy.ridge: 0")]
    [InlineData("policy: {reward_scale: 0}", "policy.reward_scale: 0")]
    [InlineData("policy: {prior_gain: .inf}", "policy.prior_gain")]
    [InlineData("policy: {prior_weight: 0}", "policy.prior_weight: 0")]
    [InlineData("policy: {rent_parameters: -1}", "policy.rent_parameters: -1")]
    [InlineData("policy: {rent_flops: -1}", "policy.rent_flops: -1")]
    [InlineData("policy: {cost_exponent: 1.5}", "policy.cost_exponent: 1.5")]
    [InlineData("policy: {blueprint_cap: -1}", "policy.blueprint_cap: -1")]
    [InlineData("policy: {cooldown_epochs: -1}", "policy.cooldown_epochs: -1")]
    [InlineData("policy: {maximum_pending: 0}", "policy.maximum_pending: 0 is outside 1")]
    [InlineData("policy: {cohort: 0}", "policy.cohort: 0")]
    [InlineData("policy: {cohort_keep: 0}", "policy.cohort_keep: 0")]
    [InlineData("schedule: {kind: cosin}", "Did you mean 'cosine'?")]
    [InlineData("optimizer: {kind: adam}", "optimizer.kind: 'adam'")]
    [InlineData("lattice: {blueprints: [affine, magic]}", "lattice.blueprints: 'magic' is no blueprint")]
    [InlineData("lattice: {blueprints: []}", "at least one blueprint")]
    [InlineData("lattice: {seeds_per_site: 0}", "lattice.seeds_per_site")]
    [InlineData("lifecycle: {gain_examples: 1}", "lifecycle.gain_examples: 1 is outside 2")]
    [InlineData("{train_flops: 0}", "train_flops: 0 is outside 1")]
    [InlineData("{train_flops: 1.0e+12, steps: 5}", "'train_flops' or 'steps', not both")]
    [InlineData("{epochs_per_pass: 0}", "epochs_per_pass: 0 is outside 1")]
    [InlineData("policy: {plateau_window: 1}", "policy.plateau_window: 1 is outside 2")]
    [InlineData("policy: {flops_exponent: 2}", "policy.flops_exponent: 2 is outside 0 to 1")]
    [InlineData("lifecycle: {gain_evaluations: 1}", "lifecycle.gain_evaluations: 1 is outside 2")]
    [InlineData("lifecycle: {holding_limit: 1}", "lifecycle.holding_limit")]
    [InlineData("telemetry: {checkpoints_kept: 0}", "telemetry.checkpoints_kept")]
    [InlineData("policy: {decision_limit_ms: -1}", "policy.decision_limit_ms: -1")]
    [InlineData("policy: {decision_failures_maximum: 0}", "policy.decision_failures_maximum")]
    [InlineData("risk: {confidence_minimum: 1.5}", "risk.confidence_minimum: 1.5 is outside 0 to 1")]
    [InlineData("risk: {tier_maximum: hihg}", "Did you mean 'high'?")]
    [InlineData("risk: {loss_window: 4}", "risk.loss_window: 4 is outside 5")]
    [InlineData("risk: {loss_spike_maximum: 9, loss_spike_rollback: 8}", "risk.loss_spike_rollback: 8 is outside 9")]
    [InlineData("risk: {gradient_ratio_minimum: 5, gradient_ratio_maximum: 4}", "risk.gradient_ratio_maximum: 4 is outside 5")]
    [InlineData("risk: {memory_headroom_minimum: .nan}", "risk.memory_headroom_minimum: NaN")]
    [InlineData("risk: {budget_reserve: -0.1}", "risk.budget_reserve")]
    [InlineData("risk: {step_ms_maximum: -1}", "risk.step_ms_maximum")]
    [InlineData("risk: {isolation_minimum: 2}", "risk.isolation_minimum")]
    [InlineData("risk: {loss_volatility_maximum: -1}", "risk.loss_volatility_maximum")]
    public void Every_problem_names_its_key(string yaml, string expected)
    {
        string problem = Assert.Single(ConfigValidator.Problems(ConfigFile.Parse(yaml, "test")));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_can_be_switched_off_one_by_one()
    {
        RunConfig config = ConfigFile.Parse(
            "risk: {isolation_minimum: null, gradient_ratio_maximum: null, gradient_ratio_minimum: 7, budget_reserve: null, tier_maximum: null}",
            "test");
        Assert.Empty(ConfigValidator.Problems(config));
        Assert.Null(config.Risk.TierMaximum);
        Assert.Equal(config.Risk, ConfigFile.Parse(ConfigFile.Write(config), "test").Risk);
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        RunConfig config = new() { Epochs = -1, Batch = 0, Device = "tpu" };
        EsperException error = Assert.Throws<EsperException>(() => ConfigValidator.Require(config));
        Assert.Equal(3, error.Message.Split(Environment.NewLine).Length);
    }
}

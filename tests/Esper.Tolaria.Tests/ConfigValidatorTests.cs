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
    [InlineData("schedule: {kind: cosin}", "Did you mean 'cosine'?")]
    [InlineData("optimizer: {kind: adam}", "optimizer.kind: 'adam'")]
    [InlineData("lattice: {blueprints: [affine, magic]}", "lattice.blueprints: 'magic' is no blueprint")]
    [InlineData("lattice: {blueprints: []}", "at least one blueprint")]
    [InlineData("lattice: {seeds_per_site: 0}", "lattice.seeds_per_site")]
    [InlineData("lifecycle: {gain_evaluations: 1}", "lifecycle.gain_evaluations: 1 is outside 2")]
    [InlineData("lifecycle: {holding_limit: 1}", "lifecycle.holding_limit")]
    [InlineData("telemetry: {checkpoints_kept: 0}", "telemetry.checkpoints_kept")]
    public void Every_problem_names_its_key(string yaml, string expected)
    {
        string problem = Assert.Single(ConfigValidator.Problems(ConfigFile.Parse(yaml, "test")));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        RunConfig config = new() { Epochs = -1, Batch = 0, Device = "tpu" };
        EsperException error = Assert.Throws<EsperException>(() => ConfigValidator.Require(config));
        Assert.Equal(3, error.Message.Split(Environment.NewLine).Length);
    }
}

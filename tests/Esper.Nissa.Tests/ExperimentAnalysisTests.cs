using System.Text.Json;
using Esper.Contracts;
using Esper.Nissa.Experiments;

namespace Esper.Nissa.Tests;

public sealed class ExperimentAnalysisTests
{
    // Differences a - b of the seeds 1 to 4, in points: 1, 2, 3, 4, so mean 2.5 +- 2.054260.
    private static double? Rising(string arm, long seed) => arm == "a" ? 0.5 + (seed * 0.01) + (seed % 2 * 0.2) : 0.5 + (seed % 2 * 0.2);

    [Fact]
    public void Differences_are_paired_by_seed()
    {
        using SampleExperiment sample = new() { Accuracy = Rising };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        PairResult pair = sample.Result().Pairs.Single(p => p.Metric == "accuracy_final");
        Assert.Equal(("a", "b"), (pair.A, pair.B));
        Assert.Equal(0.025, pair.Difference!.Mean, 12);
        Assert.Equal(0.02054260, pair.Difference.HalfWidth!.Value, 7);
        Assert.Equal([1, 2, 3, 4], pair.Seeds.AsEnumerable());

        // Unpaired, the seeds' own differences of 20 points would drown it.
        Assert.True(sample.Result().Arms[1].AccuracyFinal!.HalfWidth > 0.1);
    }

    [Fact]
    public void A_pair_lacks_the_seeds_that_one_arm_has_not_finished()
    {
        using SampleExperiment sample = new() { Accuracy = (arm, seed) => arm == "a" && seed > 1 ? null : 0.5 };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        ExperimentResult result = sample.Result();
        PairResult pair = result.Pairs.Single(p => p.Metric == "accuracy_final");
        Assert.Equal([1], pair.Seeds.AsEnumerable());
        Assert.Null(pair.Difference!.Ci95);
        Assert.Equal(5, result.RunsFinished);
        Assert.Equal(8, result.Runs);
    }

    [Fact]
    public void Anytime_accuracy_is_averaged_over_one_axis_for_all()
    {
        using SampleExperiment sample = new() { Accuracy = (_, _) => 0.48, Flops = arm => arm == "long" ? 2e9 : 1e9 };
        sample.Arms.AddRange([SampleExperiment.Arm("short"), SampleExperiment.Arm("long")]);
        ExperimentResult result = sample.Result();

        // First epochs at 0.2e9 and 0.4e9, ends at 1e9 and 2e9; validation rises evenly to 0.5.
        Assert.Equal([0.4e9, 2e9], result.AucAxis!.Value.AsEnumerable());
        Assert.Equal((((0.2 + 0.5) / 2 * 0.6) + (0.5 * 1.0)) / 1.6, result.Arms[0].AnytimeAuc!.Mean, 12);
        Assert.Equal((0.1 + 0.5) / 2, result.Arms[1].AnytimeAuc!.Mean, 12);
    }

    [Theory]
    [InlineData(0.00, "supported")]
    [InlineData(0.03, "not_supported")]
    [InlineData(0.05, "refuted")]
    public void Superiority_asks_for_an_interval_above_zero(double handicap, string verdict)
    {
        using SampleExperiment sample = new() { Accuracy = (arm, seed) => Rising(arm, seed) - (arm == "a" ? handicap : 0) };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        ExperimentResult result = sample.Result();
        Assert.Equal(verdict, result.Claims[0].Verdict);
        Assert.Equal(verdict, result.Verdict);
        Assert.Contains("above 0 points", result.Claims[0].Rule, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.4, "not_supported")]
    [InlineData(0.5, "supported")]
    public void Non_inferiority_has_a_margin(double margin, string verdict)
    {
        using SampleExperiment sample = new()
        {
            Accuracy = (arm, seed) => arm == "a" ? 0.5 + ((seed - 2.5) * 0.0022) : 0.5,
        };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"], "non-inferiority", margin));

        // Differences +-0.33 and +-0.11 points: 0 +- 2.054260 * 0.22 = 0.452 points.
        ExperimentResult result = sample.Result();
        Assert.Equal(-0.00452, result.Claims[0].Differences[0].Difference!.Low!.Value, 5);
        Assert.Equal(verdict, result.Claims[0].Verdict);
    }

    [Theory]
    [InlineData(0.5, "supported")]
    [InlineData(0.3, "not_supported")]
    public void A_claim_within_a_cost_needs_the_cost_too(double limit, string verdict)
    {
        using SampleExperiment sample = new() { Accuracy = Rising, Flops = arm => arm == "a" ? 0.4e9 : 1e9 };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"], "within", 0.5, limit));
        ClaimResult claim = sample.Result().Claims[0];
        Assert.Equal(verdict, claim.Verdict);
        Assert.Contains("0.4 times its training operations", claim.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_against_several_arms_must_hold_against_each()
    {
        using SampleExperiment sample = new()
        {
            Accuracy = (arm, seed) => arm == "c" ? Rising("a", seed) : Rising(arm, seed),
        };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a"), SampleExperiment.Arm("c")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b", "c"]));
        ClaimResult claim = sample.Result().Claims[0];
        Assert.NotEqual(Verdicts.Supported, claim.Verdict);
        Assert.Equal(2, claim.Differences.Length);
    }

    [Fact]
    public void Without_all_its_pairs_a_claim_has_no_verdict()
    {
        using SampleExperiment sample = new() { Accuracy = (arm, seed) => arm == "a" && seed == 4 ? null : Rising(arm, seed) };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        ExperimentResult result = sample.Result();
        Assert.Equal(Verdicts.None, result.Claims[0].Verdict);
        Assert.Contains("3 of 4 pairs", result.Claims[0].Reason, StringComparison.Ordinal);
        Assert.Equal(Verdicts.None, result.Verdict);
    }

    [Fact]
    public void One_seed_gives_no_verdict()
    {
        using SampleExperiment sample = new() { Seeds = [1], Accuracy = Rising };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        Assert.Equal(Verdicts.None, sample.Result().Verdict);
    }

    [Fact]
    public void A_sweep_takes_the_best_size_by_validation_and_pays_for_all()
    {
        using SampleExperiment sample = new()
        {
            // The larger one is better on validation and worse on test: the test set must not choose.
            Accuracy = (arm, _) => arm == "sweep/small" ? 0.60 : 0.55,
            Validation = arm => arm == "sweep/small" ? 0.61 : 0.65,
            Flops = arm => arm == "sweep/small" ? 1e9 : 3e9,
            Parameters = arm => arm == "sweep/small" ? 100 : 900,
        };
        sample.Arms.AddRange(
        [
            SampleExperiment.Arm("sweep/small"), SampleExperiment.Arm("sweep/large"),
            SampleExperiment.Arm("sweep", "sweep", "sweep/small", "sweep/large"),
        ]);
        ArmResult sweep = sample.Result().Arms[2];
        Assert.Equal("sweep/large", sweep.BestMember);
        Assert.Equal(0.55, sweep.AccuracyFinal!.Mean);
        Assert.Equal(4e9, sweep.TrainFlops);
        Assert.Equal(15, sweep.Seconds);
        Assert.Equal(900, sweep.Parameters);
    }

    [Fact]
    public void The_document_has_the_promised_keys_and_says_null_where_there_is_no_interval()
    {
        using SampleExperiment sample = new() { Seeds = [7], Accuracy = Rising };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(sample.Result(), EsperJson.Indented));
        JsonElement arm = json.RootElement.GetProperty("arms")[0];
        Assert.Equal(JsonValueKind.Null, arm.GetProperty("accuracy_final").GetProperty("ci95").ValueKind);
        Assert.Equal(JsonValueKind.Number, arm.GetProperty("anytime_auc").GetProperty("mean").ValueKind);
        Assert.All(new[] { "parameters", "train_flops", "seconds" }, key => Assert.Equal(JsonValueKind.Number, arm.GetProperty(key).ValueKind));
        JsonElement difference = json.RootElement.GetProperty("pairs")[0].GetProperty("difference");
        Assert.Equal(0.07, difference.GetProperty("mean").GetDouble(), 12);
        Assert.Equal(JsonValueKind.Null, difference.GetProperty("ci95").ValueKind);
        JsonElement claim = json.RootElement.GetProperty("claims")[0];
        Assert.All(new[] { "name", "rule", "verdict" }, key => Assert.Equal(JsonValueKind.String, claim.GetProperty(key).ValueKind));
        Assert.Equal("no_verdict", json.RootElement.GetProperty("verdict").GetString());
    }

    [Fact]
    public void A_damaged_plan_or_one_of_another_version_is_refused_by_name()
    {
        using SampleExperiment sample = new();
        sample.Arms.Add(SampleExperiment.Arm("a"));
        ExperimentDirectory directory = sample.Record().Directory;
        string text = File.ReadAllText(directory.PlanPath);
        File.WriteAllText(directory.PlanPath, text.Replace("\"format\": 1", "\"format\": 9", StringComparison.Ordinal));
        Assert.Contains("format 9", Assert.Throws<EsperException>(() => ExperimentRecord.Load(sample.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(directory.PlanPath, text[..50]);
        Assert.Contains("plan.json", Assert.Throws<EsperException>(() => ExperimentRecord.Load(sample.Path)).Message, StringComparison.Ordinal);
    }
}

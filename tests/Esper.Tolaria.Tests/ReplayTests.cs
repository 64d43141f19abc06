using System.Text.Json.Nodes;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa;
using Esper.Tamiyo;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Tests;

/// <summary>A run's log of decisions, made without training: a policy decides on made-up states, a recorder writes.</summary>
public sealed class ReplayTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("esper-replay-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("none")]
    [InlineData("schedule")]
    [InlineData("random")]
    [InlineData("heuristic")]
    [InlineData("epsilon-greedy")]
    [InlineData("ucb1")]
    [InlineData("thompson")]
    [InlineData("linucb")]
    [InlineData("linear-thompson")]
    [InlineData("halving")]
    public void Every_policy_replays_to_what_it_decided(string policy)
    {
        ReplaySummary summary = Replayer.Replay(Record(policy));
        Assert.Empty(summary.Details);
        Assert.Equal((5, 0, policy), (summary.Decisions, summary.Mismatches, summary.Policy));
        Assert.Equal(policy != "none", summary.Commands > 0);
    }

    [Fact]
    public void A_changed_number_is_found_although_nothing_else_follows_from_it()
    {
        string directory = Record("thompson");
        Change(directory, 2, node => node["decision"]!["state"]!["history"]![0]!["train_loss"] = 7.5);
        ReplayMismatch found = Assert.Single(Replayer.Replay(directory).Details);
        Assert.Equal((3, 3, "digest"), (found.Line, found.Epoch, found.Kind));
    }

    [Fact]
    public void A_changed_command_is_found_even_under_a_fresh_digest()
    {
        string directory = Record("thompson");
        Change(directory, 0, node => node["decision"]!["commands"]![0]!["blueprint"] = "lowrank-2", sign: true);
        ReplayMismatch[] found = [.. Replayer.Replay(directory).Details];

        // The next line was chained to the old digest.
        Assert.Equal([(1, "commands"), (2, "digest")], found.Select(mismatch => (mismatch.Line, mismatch.Kind)));
        Assert.Contains("lowrank-2", found[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_state_leads_to_another_decision()
    {
        string directory = Record("schedule");
        Change(directory, 0, node => node["decision"]!["state"]!["seeds"]![0]!["affordable"] = new JsonArray(), sign: true);
        Assert.Contains(Replayer.Replay(directory).Details, mismatch => mismatch is { Line: 1, Kind: "commands" });
    }

    [Fact]
    public void A_state_that_cannot_be_is_named()
    {
        string directory = Record("ucb1");
        Change(directory, 4, node => node["decision"]!["state"]!["seeds"]![1]!["alpha"] = 2, sign: true);
        ReplayMismatch found = Assert.Single(Replayer.Replay(directory).Details);
        Assert.Equal("state", found.Kind);
        Assert.StartsWith("seeds[1].alpha is 2", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_taken_out_is_found_in_the_middle_and_at_the_end()
    {
        string middle = Record("random"), end = Record("random", "end");
        string path = Path.Combine(middle, "decisions.jsonl");
        File.WriteAllLines(path, File.ReadAllLines(path).Where((_, i) => i != 2));
        Assert.Equal(["digest", "order"], Replayer.Replay(middle).Details.Select(mismatch => mismatch.Kind));
        path = Path.Combine(end, "decisions.jsonl");
        File.WriteAllLines(path, File.ReadAllLines(path).SkipLast(1));
        ReplayMismatch found = Assert.Single(Replayer.Replay(end).Details);
        Assert.Contains("the log ends with epoch 4, the run's record with epoch 5", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_configuration_is_found()
    {
        string directory = Record("ucb1");
        RunConfig config = ConfigFile.Read(Path.Combine(directory, "config.yaml"));
        File.WriteAllText(
            Path.Combine(directory, "config.yaml"), ConfigFile.Write(config with { Policy = config.Policy with { MaximumGerminations = 1 } }));
        Assert.All(Replayer.Replay(directory).Details, mismatch => Assert.Equal("commands", mismatch.Kind));
        File.WriteAllText(
            Path.Combine(directory, "config.yaml"), ConfigFile.Write(config with { Policy = config.Policy with { Kind = "none" } }));
        ReplaySummary summary = Replayer.Replay(directory);
        Assert.Contains(summary.Details, mismatch => mismatch.Kind == "policy");
        Assert.Equal(5, summary.Mismatches);
    }

    [Fact]
    public void A_directory_without_a_log_is_refused()
    {
        string directory = Record("none");
        File.Delete(Path.Combine(directory, "decisions.jsonl"));
        Assert.Contains("decisions.jsonl", Assert.Throws<EsperException>(() => Replayer.Replay(directory)).Message, StringComparison.Ordinal);
    }

    private static void Change(string directory, int line, Action<JsonNode> change, bool sign = false)
    {
        string path = Path.Combine(directory, "decisions.jsonl");
        string[] lines = File.ReadAllLines(path);
        JsonNode node = JsonNode.Parse(lines[line])!;
        change(node);
        if (sign)
        {
            string before = line == 0 ? string.Empty : (string)JsonNode.Parse(lines[line - 1])!["digest"]!;
            node["digest"] = DecisionRecord.DigestOf(before, node["decision"]!.ToJsonString(EsperJson.Compact));
        }

        lines[line] = node.ToJsonString(EsperJson.Compact);
        File.WriteAllLines(path, lines);
    }

    private string Record(string policyName, string name = "run")
    {
        RunConfig config = new() { Epochs = 5, Seed = 11, Policy = new() { Kind = policyName, LastFraction = 1, RandomProbability = 1 } };
        IGrowthPolicy policy = GrowthPolicies.Create(config.Policy);
        RunDirectory directory = RunDirectory.Create(Path.Combine(_root, name));
        File.WriteAllText(directory.ConfigPath, ConfigFile.Write(config));
        using RunRecorder recorder = new(directory);
        recorder.OnStarted(new RunInfo(
            "r", "h", "d", policyName, "cpu", 1, 11, 5, 1, 10, 32, 320, 32, 32, 10_000, 1_000_000,
            [new SiteInfo(0, "a", 16, [8, 8]), new SiteInfo(1, "b", 16, [8, 8])], directory.Root));
        for (int epoch = 1; epoch <= 5; epoch++)
        {
            SystemState state = StateAfter(epoch);
            SystemStateRules.Require(state);
            recorder.OnDecision(new DecisionReport(policy.Name, state, policy.Decide(state), []));
            recorder.OnEpoch(new EpochReport(epoch, 10 * epoch, 1, 0.5, 1, 0.5, 0.1, 10_000, 1e9, 10, 0, 1, []));
        }

        return directory.Root;
    }

    /// <summary>Flat losses, so that the heuristic grows; two dormant seeds, one culled before, one holding.</summary>
    private static SystemState StateAfter(int epoch)
    {
        GrowthSignal growth = new(1.0 / 3, 0.7);
        SeedObservation Dormant(int site, int seed) => new(
            new SeedId(site, seed), SeedStage.Dormant, 1, 8, null, [], ["bottleneck-8", "affine"], null, 0, 2, 0.001, growth, 0, 16, null);
        GraftContext context = new(8, 16, 0, growth);
        bool live = epoch == 3;
        return new SystemState(
            epoch,
            5,
            11,
            [.. Enumerable.Range(1, epoch).Select(e => new EpochObservation(e, 1 + (0.1 / e), 0.5, 1.1, 0.5))],
            [
                Dormant(0, 0),
                live
                    ? new SeedObservation(
                        new SeedId(0, 1), SeedStage.Holding, 2, 8, "affine", [], [], new Estimate(0.01, 0.002), 2, 2, 0.001, growth, 1, 16, null)
                    : Dormant(0, 1),
                Dormant(1, 0),
            ],
            [
                new GraftOutcome(0, new SeedId(0, 0), "bottleneck-8", "test", context, 0, 144, 5000,
                    new GraftEnding(1, GraftEnd.Culled, SeedStage.Holding, "test", "x"), new Estimate(-1.0 / 7, 0.01)),
                .. live ? new[] { new GraftOutcome(1, new SeedId(0, 1), "affine", "test", context, 1, 16, 500, null, null) } : [],
            ],
            new GrowthAllowance(10_000, 1_000_000, 9_000, 900_000));
    }
}

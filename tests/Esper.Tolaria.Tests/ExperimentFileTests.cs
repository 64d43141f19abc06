using System.Text;
using Esper.Contracts;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Experiments;

namespace Esper.Tolaria.Tests;

public sealed class ExperimentFileTests
{
    private const string Sound = """
        name: sound
        hypothesis: It reads.
        dataset: glyphs
        seeds: [3, 5]
        base:
          host: cnn3:4-8
          epochs: 2
          optimizer: { learning_rate: 0.05 }
          lattice: { blueprints: [affine] }
        arms:
          - { name: static, kind: static }
          - name: grown
            kind: grown
            set:
              optimizer: { momentum: 0.5 }
              policy: { kind: schedule }
          - { name: final, kind: final-architecture, of: grown, match: flops, set: { batch: 64 } }
          - { name: wide, kind: widened, of: grown, match: epochs }
          - { name: sizes, kind: sweep, hosts: ["cnn3:4", "cnn3:8"] }
          - { name: upgrade, kind: upgrade, of: static, set: { policy: { kind: random } } }
        claims:
          - { name: c, kind: within, a: grown, b: [sizes, wide], margin_points: 0.5, at_most: { train_flops: 0.33 } }
        budget: { run_hours: 2 }
        """;

    [Fact]
    public void A_sound_file_is_read_whole()
    {
        ExperimentDefinition read = Parse(Sound);
        Assert.Equal(["static", "grown", "final", "wide", "sizes/cnn3:4", "sizes/cnn3:8", "sizes", "upgrade"], read.Arms.Select(arm => arm.Name));
        Assert.Equal([3, 5], read.Seeds.AsEnumerable());
        Assert.Equal("static", read.Baseline);
        Assert.Equal(7200, read.Budget.RunSeconds);
        Assert.Equal(0.05, read.Arm("grown").Config.Optimizer.LearningRate);
        Assert.Equal(0.5, read.Arm("grown").Config.Optimizer.Momentum);
        Assert.Equal("schedule", read.Arm("grown").Config.Policy.Kind);
        Assert.Equal("none", read.Arm("static").Config.Policy.Kind);
        Assert.Equal("cnn3:8", read.Arm("sizes/cnn3:8").Config.Host);

        // What an arm is of, it takes over; then its own settings; and it never grows.
        Assert.Equal((0.5, 64, "none"), (read.Arm("final").Config.Optimizer.Momentum, read.Arm("final").Config.Batch, read.Arm("final").Config.Policy.Kind));
        Assert.Equal(0.9, read.Arm("upgrade").Config.Optimizer.Momentum);
        PlannedClaim claim = Assert.Single(read.Claims);
        Assert.Equal((0.5, 0.33), (claim.MarginPoints, claim.AtMost.TrainFlops));
        Assert.Equal(["sizes", "wide"], claim.B.AsEnumerable());
        Assert.Contains("above -0.5 points", claim.Rule, StringComparison.Ordinal);
        Assert.Contains("at most 0.33 times", claim.Rule, StringComparison.Ordinal);
        Assert.Equal(64, read.Sha256.Length);
    }

    [Theory]
    [InlineData("hypothesis: It", "hypotesis: It", "line 2: unknown key 'hypotesis' of an experiment. Did you mean 'hypothesis'?")]
    [InlineData("  epochs: 2", "  epoch: 2", "line 7: unknown key 'epoch'. Did you mean 'epochs'?")]
    [InlineData("momentum: 0.5", "momentun: 0.5", "line 15: unknown key 'optimizer.momentun'. Did you mean 'momentum'?")]
    [InlineData("  epochs: 2", "  epochs: two", "line 7, column 11: ")]
    [InlineData("  epochs: 2", "  epochs: 0", "line 11: arm 'static': epochs: 0 is outside")]
    [InlineData("  epochs: 2", "  seed: 2", "line 7: key 'seed' cannot be set here: the experiment's 'seeds' set it")]
    [InlineData("  epochs: 2", "  data: /x", "line 7: key 'data' cannot be set here")]
    [InlineData("kind: static }", "kind: statc }", "line 11: kind: 'statc' is unknown. Did you mean 'static'?")]
    [InlineData("of: grown, match: flops", "of: gron, match: flops", "line 17: of: there is no arm 'gron' above this one. Did you mean 'grown'?")]
    [InlineData("of: grown, match: flops", "of: grown, match: steps", "line 17: match: 'steps' is unknown. Known: flops, epochs.")]
    [InlineData("of: grown, match: epochs", "match: epochs", "an arm needs 'of'")]
    [InlineData("of: static, set", "of: sizes, set", "line 20: of: 'sizes' is a sweep; name one of its sizes: sizes/cnn3:4, sizes/cnn3:8.")]
    [InlineData("policy: { kind: schedule }", "policy: { kind: none }", "needs a policy")]
    [InlineData("name: wide", "name: final", "line 18: There are two arms 'final'.")]
    [InlineData("\"cnn3:4\", \"cnn3:8\"", "\"cnn3:4\"", "line 19: A sweep needs 'hosts'")]
    [InlineData("a: grown, b", "a: grow, b", "line 22: a: there is no arm 'grow'. Did you mean 'grown'?")]
    [InlineData("margin_points: 0.5, ", "", "needs 'margin_points'")]
    [InlineData("kind: within", "kind: superiority", "superiority has no margin")]
    [InlineData(", at_most: { train_flops: 0.33 }", "", "needs 'at_most'")]
    [InlineData("seeds: [3, 5]", "seeds: [3, 3]", "line 4: seeds: list 1 to 1000 different whole numbers")]
    [InlineData("seeds: [3, 5]", "seeds: [x]", "line 4: seeds: 'x' is not a whole number.")]
    [InlineData("run_hours: 2", "run_hours: -1", "line 23: run_hours: '-1' is not a number from")]
    [InlineData("dataset: glyphs", "dataset: glyph", "line 3: dataset: 'glyph' is unknown. Did you mean 'glyphs'?")]
    [InlineData("name: sound", "name: so/und", "line 1: name: 'so/und' may hold letters")]
    [InlineData("name: sound", "name: [", "line ")]
    public void A_mistake_is_told_with_its_line_and_the_fix(string right, string wrong, string message)
    {
        Assert.Contains(right, Sound, StringComparison.Ordinal);
        EsperException error = Assert.Throws<EsperException>(() => Parse(Sound.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.StartsWith("e.yaml", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_run_is_planned_before_those_that_depend_on_it_and_seed_by_seed()
    {
        var runs = ExperimentPlanner.Runs(Parse(Sound));
        Assert.Equal(14, runs.Length);
        Assert.Equal([3, 5], runs.Select(run => run.Seed).Distinct());
        Assert.All(runs.Take(7), run => Assert.Equal(3, run.Seed));
        for (int i = 0; i < runs.Length; i++)
        {
            Assert.All(runs[i].DependsOn, id => Assert.Contains(runs.Take(i), before => before.Id == id && before.Seed == runs[i].Seed));
        }

        Assert.Equal(runs.Length, runs.Select(run => run.Id).Distinct().Count());
        Assert.Equal(runs.AsEnumerable(), ExperimentPlanner.Runs(Parse(Sound)), SameRun);
    }

    [Fact]
    public void A_runs_address_follows_what_decides_it_and_nothing_else()
    {
        string[] before = [.. ExperimentPlanner.Runs(Parse(Sound)).Select(run => run.Id)];
        string[] words = [.. ExperimentPlanner.Runs(Parse(Sound.Replace("It reads.", "It reads well.", StringComparison.Ordinal))).Select(run => run.Id)];
        Assert.Equal(before, words);
        string[] after = [.. ExperimentPlanner.Runs(Parse(Sound.Replace("momentum: 0.5", "momentum: 0.6", StringComparison.Ordinal))).Select(run => run.Id)];

        // The grown arm, and those of it; not the static one, the sweep and what starts from the static one.
        Assert.Equal([false, true, true, true, false, false, false], before.Take(7).Zip(after).Select(pair => pair.First != pair.Second));
    }

    [Theory]
    [InlineData("cnn3:8-16-32", 20_000)]
    [InlineData("cnn3:4-8", 1_000)]
    [InlineData("mlp:16-8", 100_000)]
    [InlineData("wrn-16-0.25", 50_000)]
    public void Widening_finds_the_nearest_of_all(string host, double target)
    {
        long Count(string spec) => Graph.GraphCost.Of(Graph.HostPresets.Create(spec, new Graph.ImageInput(3, 32, 32, 10)).Graph).Parameters;
        string found = HostWidening.Nearest(host, target, Count);
        double distance = Math.Abs(Count(found) - target);
        Assert.All(Widenings(host), other => Assert.True(distance <= Math.Abs(Count(other) - target), $"{other} is nearer than {found}"));
        Assert.Equal(host, HostWidening.Nearest(host, 1, Count));
        Assert.Throws<EsperException>(() => HostWidening.Nearest("resnet", 1, Count));
    }

    [Theory]
    [InlineData("smoke")]
    [InlineData("cpu")]
    [InlineData("placement")]
    [InlineData("upgrade")]
    [InlineData("wrn28")]
    public void The_suites_are_sound(string suite)
    {
        string path = Path.Combine(Root(), "benchmarks", "experiments", suite + ".yaml");
        ExperimentDefinition read = ExperimentFile.Read(path);
        Assert.Equal(suite, read.Name);
        Assert.NotEmpty(ExperimentPlanner.Runs(read));
        Assert.DoesNotMatch(@"/tmp/|/home/|/work/", Encoding.UTF8.GetString([.. read.Text]));
    }

    private static IEnumerable<string> Widenings(string host) => host switch
    {
        "cnn3:8-16-32" => Enumerable.Range(32, 60).Select(w => $"cnn3:{Math.Round(w / 4.0, MidpointRounding.AwayFromZero)}-{Math.Round(w / 2.0, MidpointRounding.AwayFromZero)}-{w}"),
        "cnn3:4-8" => Enumerable.Range(8, 40).Select(w => $"cnn3:{Math.Round(w / 2.0, MidpointRounding.AwayFromZero)}-{w}"),
        "mlp:16-8" => Enumerable.Range(16, 40).Select(w => $"mlp:{w}-{Math.Round(w / 2.0, MidpointRounding.AwayFromZero)}"),
        _ => Enumerable.Range(4, 20).Select(w => $"wrn-16-{w / 16m:0.####}"),
    };

    private static bool SameRun(PlannedRun left, PlannedRun right) => left.Id == right.Id && left.DependsOn.SequenceEqual(right.DependsOn);

    private static ExperimentDefinition Parse(string text) => ExperimentFile.Parse(Encoding.UTF8.GetBytes(text), "e.yaml");

    private static string Root()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Esper.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("Esper.sln is in no directory above the tests.");
    }
}

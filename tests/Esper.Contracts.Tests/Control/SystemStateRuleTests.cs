using System.Text.Json;
using Esper.Contracts.Control;

namespace Esper.Contracts.Tests.Control;

public sealed class SystemStateRuleTests
{
    private static readonly SystemState State = Sound.State();
    private static readonly StepWindow Window = new(50, 1, new Trend(0, 0), 0.5, new Trend(0, 0), 1, new Trend(0, 0));

    /// <summary>One field made wrong, and how the objection must begin.</summary>
    private static readonly (string Objection, SystemState State)[] Wrong =
    [
        ("epoch is 11, expected 1 to 10", State with { Epoch = 11 }),
        ("history is 1, expected 2 epochs", State with { History = State.History.RemoveAt(0) }),
        ("history[1].epoch is 5, expected 2", State with { History = [State.History[0], State.History[1] with { Epoch = 5 }] }),
        ("history[1].train_loss is NaN", State with { History = [State.History[0], State.History[1] with { TrainLoss = double.NaN }] }),
        ("history[1].validation_accuracy is 1.5", State with { History = [State.History[0], State.History[1] with { ValidationAccuracy = 1.5 }] }),
        ("allowance.host_parameters is 0", State with { Allowance = State.Allowance with { HostParameters = 0 } }),
        ("allowance.flops_left is ", State with { Allowance = State.Allowance with { FlopsLeft = double.NegativeInfinity } }),
        ("seeds[1].seed is 0.0, expected in order", Seed(1, seed => seed with { Seed = new SeedId(0, 0) })),
        ("seeds[0].alpha is -0.1, expected 0 to 1", Seed(0, seed => seed with { Alpha = -0.1 })),
        ("seeds[0].blueprint is affine", Seed(0, seed => seed with { Blueprint = "affine" })),
        ("seeds[1].blueprint is null", Seed(1, seed => seed with { Blueprint = null })),
        ("seeds[0].affordable is magic", Seed(0, seed => seed with { Affordable = ["magic"] })),
        ("seeds[1].affordable is 1, expected 0 unless dormant", Seed(1, seed => seed with { Affordable = ["affine"] })),
        ("seeds[1].loss_gain is NaN", Seed(1, seed => seed with { LossGain = null })),
        ("seeds[1].loss_gain.half_width is -1", Seed(1, seed => seed with { LossGain = new Estimate(0, -1) })),
        ("seeds[0].growth.agreement is 2", Seed(0, seed => seed with { Growth = new GrowthSignal(1, 2) })),
        ("seeds[0].growth.chunk.variance is -1", Chunk(new ChunkSignals(-1, 0, 0))),
        ("seeds[0].growth.chunk.redundancy is 1.5", Chunk(new ChunkSignals(1, 1.5, 0))),
        ("seeds[0].growth.chunk.dead_fraction is NaN", Chunk(new ChunkSignals(1, 0, double.NaN))),
        ("steps[0].steps is 7, expected a length", State with { Steps = [Window with { Steps = 7 }] }),
        ("steps[1].loss_mean is NaN", State with { Steps = [Window, Window with { LossMean = double.NaN }] }),
        ("steps[0].accuracy_mean is 2", State with { Steps = [Window with { AccuracyMean = 2 }] }),
        ("seeds[0].positions is 0", Seed(0, seed => seed with { Positions = 0 })),
        ("seeds[1].signals.samples is 0", Signals(signals => signals with { Samples = 0 })),
        ("seeds[1].signals.gradient_norm is NaN", Signals(signals => signals with { GradientNorm = double.NaN })),
        ("seeds[1].signals.dead_fraction is 1.01", Signals(signals => signals with { DeadFraction = 1.01 })),
        ("seeds[1].signals.sign_stability is -1", Signals(signals => signals with { SignStability = -1 })),
        ("outcomes[0].id is 3, expected 0", Outcome(0, graft => graft with { Id = 3 })),
        ("outcomes[0].seed is 9.9", Outcome(0, graft => graft with { Seed = new SeedId(9, 9) })),
        ("outcomes[0].reward is 1, expected null while", Outcome(0, graft => graft with { Reward = new Estimate(1, 0) })),
        ("outcomes[1].reward.mean is NaN", Outcome(1, graft => graft with { Reward = new Estimate(double.NaN, 0) })),
        ("outcomes[1].ending.epoch is 0", Outcome(1, graft => graft with { Ending = graft.Ending! with { Epoch = 0 } })),
        ("outcomes[1].parameters is 0", Outcome(1, graft => graft with { Parameters = 0 })),
        ("outcomes: 0 live grafts at seed 0.1, which is Holding", State with { Outcomes = [] }),
        ("outcomes: 1 live grafts at seed 0.0, which is Dormant", Outcome(1, graft => graft with { Ending = null, Reward = null })),
        ("outcomes: 1 live grafts at seed 0.1, which is Holding", Outcome(0, graft => graft with { Blueprint = "affine" })),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Wrong.Length)];

    [Fact]
    public void A_sound_state_passes()
    {
        Assert.Null(SystemStateRules.Objection(State));
        SystemStateRules.Require(State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Everything_wrong_is_named(int index)
    {
        (string objection, SystemState state) = Wrong[index];
        string? found = SystemStateRules.Objection(state);
        Assert.NotNull(found);
        Assert.StartsWith(objection, found, StringComparison.Ordinal);
        EsperException error = Assert.Throws<EsperException>(() => SystemStateRules.Require(state));
        Assert.Contains(objection, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_comes_back_from_json_as_it_was()
    {
        string text = JsonSerializer.Serialize(State, EsperJson.Compact);
        SystemState back = JsonSerializer.Deserialize<SystemState>(text, EsperJson.Compact)!;
        Assert.Equal(text, JsonSerializer.Serialize(back, EsperJson.Compact));
        Assert.Null(SystemStateRules.Objection(back));
    }

    [Theory]
    [InlineData("outcomes")]
    [InlineData("allowance")]
    public void A_state_without_a_part_is_no_state(string part)
    {
        System.Text.Json.Nodes.JsonNode node = JsonSerializer.SerializeToNode(State, EsperJson.Compact)!;
        Assert.True(node.AsObject().Remove(part));
        Assert.Throws<JsonException>(() => node.Deserialize<SystemState>(EsperJson.Compact));
    }

    private static SystemState Chunk(ChunkSignals chunk) =>
        Seed(0, seed => seed with { Growth = seed.Growth!.Value with { Chunk = chunk } });

    private static SystemState Seed(int index, Func<SeedObservation, SeedObservation> change) =>
        State with { Seeds = State.Seeds.SetItem(index, change(State.Seeds[index])) };

    private static SystemState Signals(Func<SeedSignals, SeedSignals> change) =>
        Seed(1, seed => seed with { Signals = change(seed.Signals!) });

    private static SystemState Outcome(int index, Func<GraftOutcome, GraftOutcome> change) =>
        State with { Outcomes = State.Outcomes.SetItem(index, change(State.Outcomes[index])) };
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Policies;

namespace Esper.Tamiyo.Tests;

public sealed class HeuristicPolicyTests
{
    private static readonly double[] Flat = [1.0, 0.99, 0.98];
    private static readonly double[] Falling = [2.0, 1.2, 0.7];
    private static readonly PolicyOptions Options = new() { PlateauImprovement = 0.1, PlateauWindow = 2 };

    [Fact]
    public void Grows_at_the_strongest_signals_first()
    {
        SystemState state = States.After(
            Flat,
            States.Dormant(0, 0, new GrowthSignal(0.1, 0.9)),
            States.Dormant(0, 1, new GrowthSignal(0.3, 0.9)),
            States.Dormant(1, 0, new GrowthSignal(0.2, 0.9)));
        ImmutableArray<LifecycleCommand> commands = new HeuristicPolicy(Options).Decide(state);
        Assert.Equal([new SeedId(0, 1), new SeedId(1, 0)], commands.Select(command => command.Seed));
        GerminateCommand first = Assert.IsType<GerminateCommand>(commands[0]);
        Assert.Equal("bottleneck-8", first.Blueprint);
        Assert.Equal("heuristic", first.Issuer);
        Assert.Contains("signal 0.3", first.Reason, StringComparison.Ordinal);
        Assert.Equal(commands.Length, commands.Select(command => command.Id).Distinct().Count());
    }

    [Fact]
    public void Without_a_window_it_grows_from_the_start()
    {
        SystemState state = States.After([2.0], States.Dormant(0, 0, new GrowthSignal(1, 1)));
        HeuristicPolicy policy = new(Options with { PlateauWindow = 0 });
        Assert.True(policy.NeedsProbe(state));
        Assert.Contains("from the start", Assert.Single(policy.Decide(state)).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, 0, 1)]
    [InlineData(1.0, 1, 0)]
    public void Ranks_by_promise_or_by_promise_per_operation(double exponent, int first, int second)
    {
        // Four times the positions cost four times the operations; 1.5 times the signal promises 2.25 times the gain.
        SystemState state = States.After(
            Flat,
            States.Dormant(0, 0, new GrowthSignal(0.3, 0.9)) with { Positions = 64 },
            States.Dormant(1, 0, new GrowthSignal(0.2, 0.9)) with { Positions = 16 });
        ImmutableArray<LifecycleCommand> commands = new HeuristicPolicy(Options with { FlopsExponent = exponent }).Decide(state);
        Assert.Equal([first, second], commands.Select(command => command.Seed.Site));
    }

    [Fact]
    public void One_decision_keeps_to_the_budget()
    {
        // A bottleneck-8 over 8 channels has 144 parameters: two of them fit, and nothing is asked for that could not be.
        SystemState state = States.After(
            Flat, [.. Enumerable.Range(0, 5).Select(site => States.Dormant(site, 0, new GrowthSignal(0.3 - (0.01 * site), 0.9)))]);
        state = state with { Allowance = state.Allowance with { ParametersLeft = 300 } };
        ImmutableArray<LifecycleCommand> commands = new HeuristicPolicy(Options with { MaximumLive = 9, MaximumGerminations = 9 }).Decide(state);
        Assert.Equal([0, 1], commands.Select(command => command.Seed.Site));
    }

    [Fact]
    public void Does_not_grow_while_the_loss_falls_fast()
    {
        SystemState state = States.After(Falling, States.Dormant(0, 0, new GrowthSignal(1, 1)));
        HeuristicPolicy policy = new(Options);
        Assert.False(policy.NeedsProbe(state));
        Assert.Empty(policy.Decide(state));
    }

    [Fact]
    public void Needs_more_history_than_its_window()
    {
        SystemState state = States.After([1.0, 1.0], States.Dormant(0, 0, new GrowthSignal(1, 1)));
        Assert.False(new HeuristicPolicy(Options).NeedsProbe(state));
    }

    [Theory]
    [InlineData(0.0, 0.9)]
    [InlineData(0.5, 0.05)]
    [InlineData(0.5, -0.5)]
    public void Noise_is_no_reason_to_grow(double signal, double agreement)
    {
        SystemState state = States.After(Flat, States.Dormant(0, 0, new GrowthSignal(signal, agreement)));
        Assert.Empty(new HeuristicPolicy(Options).Decide(state));
    }

    [Fact]
    public void Without_a_probe_nothing_grows() =>
        Assert.Empty(new HeuristicPolicy(Options).Decide(States.After(Flat, States.Dormant(0, 0))));

    [Fact]
    public void Takes_the_next_blueprint_where_one_has_failed()
    {
        SystemState state = States.After(Flat, States.Dormant(0, 0, new GrowthSignal(1, 1), "bottleneck-8"));
        GerminateCommand command = Assert.IsType<GerminateCommand>(Assert.Single(new HeuristicPolicy(Options).Decide(state)));
        Assert.Equal("affine", command.Blueprint);
        SystemState exhausted = States.After(Flat, States.Dormant(0, 0, new GrowthSignal(1, 1), "bottleneck-8", "affine"));
        Assert.Empty(new HeuristicPolicy(Options).Decide(exhausted));
    }

    [Fact]
    public void Live_seeds_take_up_places()
    {
        PolicyOptions options = Options with { MaximumLive = 3 };
        SystemState state = States.After(
            Flat,
            States.In(SeedStage.Training, 0, 0),
            States.In(SeedStage.Blending, 0, 1),
            States.In(SeedStage.Fossilized, 0, 2),
            States.Dormant(1, 0, new GrowthSignal(1, 1)),
            States.Dormant(1, 1, new GrowthSignal(2, 1)));
        Assert.Equal(new SeedId(1, 1), Assert.Single(new HeuristicPolicy(options).Decide(state)).Seed);
    }

    [Theory]
    [InlineData(0.010, 0.004, typeof(FossilizeCommand))]
    [InlineData(-0.010, 0.004, typeof(CullCommand))]
    [InlineData(0.002, 0.004, null)]
    public void Keeps_or_culls_by_the_interval(double gain, double half, Type? expected)
    {
        SystemState state = States.After(Falling, States.Holding(0, 0, gain, half));
        ImmutableArray<LifecycleCommand> commands = new HeuristicPolicy(Options).Decide(state);
        Assert.Equal(expected, commands.IsEmpty ? null : Assert.Single(commands).GetType());
    }

    [Fact]
    public void One_evaluation_is_not_judged() =>
        Assert.Empty(new HeuristicPolicy(Options).Decide(States.After(Falling, States.Holding(0, 0, 1, 0.001, evaluations: 1))));

    [Fact]
    public void Nothing_germinates_late_in_the_run()
    {
        SystemState state = States.After(Flat, States.Dormant(0, 0, new GrowthSignal(1, 1))) with { Epoch = 13, TotalEpochs = 20 };
        Assert.Empty(new HeuristicPolicy(Options).Decide(state));
    }
}

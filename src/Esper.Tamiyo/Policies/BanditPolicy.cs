using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Lets a selection strategy choose where and what grows, from what earlier grafts of the run turned out to be worth. A graft pays when
/// it ends; until then it counts as a pull under way. Holding seeds are judged by their interval, as the heuristic does. An arm
/// that is not expected to pay its rent is not pulled: growing nothing is worth exactly 0.
/// </summary>
public sealed class BanditPolicy : IGrowthPolicy
{
    private static readonly ulong Stream = KeyedRandom.Key("policy.bandit");

    private readonly PolicyOptions _options;
    private readonly ISelectionStrategy _strategy;

    /// <summary>Creates the policy that <see cref="PolicyOptions.Kind"/> names.</summary>
    /// <exception cref="EsperException">There is no such strategy.</exception>
    public BanditPolicy(PolicyOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _strategy = SelectionStrategies.Create(options.Kind, OptionsOf(options));
    }

    /// <inheritdoc/>
    public string Name => _strategy.Name;

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) =>
        _strategy.IsContextual && GrowthWindow.Places(state, _options) > 0 && GrowthWindow.Free(state).Any();

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        foreach (SeedObservation seed in state.Seeds)
        {
            HoldingJudge.Judge(seed, commands);
        }

        int places = GrowthWindow.Places(state, _options);
        if (places > 0)
        {
            Grow(state, places, commands);
        }

        return commands.ToImmutable();
    }

    /// <summary>The settings of the strategies that a policy's options ask for.</summary>
    internal static SelectionOptions OptionsOf(PolicyOptions options) => new()
    {
        Epsilon = options.Epsilon,
        Exploration = options.Exploration,
        PriorMean = options.PriorGain / options.RewardScale,
        PriorWeight = options.PriorWeight,
        Discount = options.Discount,
        Window = options.Window,
        Ridge = options.Ridge,
    };

    private void Grow(SystemState state, int places, CommandList commands)
    {
        ArmTable table = new(state, _strategy.IsContextual);
        if (table.Current == 0)
        {
            return;
        }

        ArmSet arms = table.ToArmSet(state, _options);
        ArmLimits limits = new(state, _options);
        _strategy.Begin(arms);
        (int paid, int pending) = OutcomeFold.Into(_strategy, table, state, _options);
        double[] features = new double[arms.FeatureCount];
        for (int place = 0; place < places; place++)
        {
            int eligible = SetEligible(arms, table, limits);
            Choice choice = _strategy.Select(
                KeyedRandom.Bits(Stream, (ulong)state.RunSeed, (ulong)state.Epoch, (ulong)place));
            if (choice.Arm < 0 || choice.Score <= 0)
            {
                return;
            }

            GrowthArm arm = table.Arms[choice.Arm];
            SeedObservation seed = limits.Place(arm)!;
            limits.Take(arm, seed);
            arms.CopyFeatures(choice.Arm, features);
            _strategy.Pull(choice.Arm, features);
            commands.Germinate(
                seed.Seed, arm.Blueprint.Name, $"{Describe(choice)}; best of {eligible} arms after {paid} rewards, {pending} to come");
            pending++;
        }
    }

    private static int SetEligible(ArmSet arms, ArmTable table, ArmLimits limits)
    {
        int eligible = 0;
        for (int arm = 0; arm < table.Current; arm++)
        {
            bool possible = limits.Place(table.Arms[arm]) is not null;
            arms.SetEligible(arm, possible);
            eligible += possible ? 1 : 0;
        }

        return eligible;
    }

    private string Describe(Choice choice) => double.IsPositiveInfinity(choice.Score)
        ? "to be tried"
        : $"worth {choice.Score * _options.RewardScale:G3} nats by {Name}, rent paid";
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// Successive halving: germinates a cohort of different seeds at once, measures them side by side, and at every rung culls all but the
/// better half (rounded up), until <see cref="PolicyOptions.CohortKeep"/> are left; those go before gate G5. The next cohort starts when
/// the last seed of this one has ended. Rung r is judged when all that are left have been evaluated r times more often than G5
/// asks for. Which rung a cohort is at follows from how many of it are left.
/// </summary>
public sealed class HalvingPolicy(PolicyOptions options) : IGrowthPolicy
{
    private static readonly ulong Stream = KeyedRandom.Key("policy.halving");

    /// <inheritdoc/>
    public string Name => "halving";

    /// <inheritdoc/>
    public bool NeedsProbe(SystemState state) => false;

    /// <inheritdoc/>
    public ImmutableArray<LifecycleCommand> Decide(SystemState state)
    {
        CommandList commands = new(Name, state);
        GraftOutcome[] live = [.. state.Outcomes.Where(outcome => outcome.IsPending)];
        foreach (IGrouping<int, GraftOutcome> cohort in live.GroupBy(outcome => outcome.EpochGerminated))
        {
            int size = state.Outcomes.Count(outcome => outcome.EpochGerminated == cohort.Key);
            Judge(state, size, [.. cohort], commands);
        }

        if (live.Length == 0)
        {
            Germinate(state, commands);
        }

        return commands.ToImmutable();
    }

    /// <summary>Rungs that a cohort has passed when so many of it are left.</summary>
    private static int RungOf(int size, int left)
    {
        int rung = 0;
        for (int members = size; members > 1 && SuccessiveHalving.Survivors(members) >= left; members = SuccessiveHalving.Survivors(members))
        {
            rung++;
        }

        return rung;
    }

    private void Judge(SystemState state, int size, GraftOutcome[] members, CommandList commands)
    {
        SeedObservation[] seeds = [.. members.Select(member => state.Seeds.First(seed => seed.Seed == member.Seed))];
        int rung = RungOf(size, members.Length);
        bool measured = seeds.All(seed =>
            seed.Stage == SeedStage.Holding && seed.GainEvaluations >= seed.RequiredEvaluations + rung);
        int keep = Math.Max(SuccessiveHalving.Survivors(members.Length), options.CohortKeep);
        if (members.Length <= options.CohortKeep)
        {
            foreach (SeedObservation seed in seeds)
            {
                HoldingJudge.Judge(seed, commands);
            }
        }
        else if (measured && keep < members.Length)
        {
            int[] order = [.. Enumerable.Range(0, seeds.Length)];
            SuccessiveHalving.Keep(order, keep, index => Net(seeds[index]));
            HashSet<int> kept = [.. order.Take(keep)];
            for (int i = 0; i < seeds.Length; i++)
            {
                if (!kept.Contains(i))
                {
                    commands.Cull(
                        seeds[i].Seed, $"rung {rung + 1} of {size} seeds keeps {keep} of {seeds.Length}; {Net(seeds[i]):F5} nats after rent");
                }
            }
        }
    }

    private static double Net(SeedObservation seed) => seed.LossGain!.Value.Mean - seed.RequiredGain;

    /// <summary>A cohort of different arms as far as there are enough, and different seeds.</summary>
    private void Germinate(SystemState state, CommandList commands)
    {
        if (GrowthWindow.Places(state, options with { MaximumGerminations = options.Cohort }) is not (> 0 and int places))
        {
            return;
        }

        ArmTable table = new(state, contextual: false);
        if (table.Current == 0)
        {
            return;
        }

        ArmSet arms = table.ToArmSet(state, options);
        ArmLimits limits = new(state, options);
        HashSet<int> used = [];
        for (int place = 0; place < places; place++)
        {
            bool fresh = false;
            for (int arm = 0; arm < table.Current; arm++)
            {
                bool possible = limits.Place(table.Arms[arm]) is not null && !used.Contains(arm);
                arms.SetEligible(arm, possible);
                fresh |= possible;
            }

            Choice choice = Choice.Uniform(arms, KeyedRandom.Bits(Stream, (ulong)state.RunSeed, (ulong)state.Epoch, (ulong)place));
            if (!fresh || choice.Arm < 0)
            {
                return;
            }

            used.Add(choice.Arm);
            GrowthArm chosen = table.Arms[choice.Arm];
            SeedObservation seed = limits.Place(chosen)!;
            limits.Take(chosen, seed);
            commands.Germinate(seed.Seed, chosen.Blueprint.Name, $"member {place + 1} of a cohort of up to {places}");
        }
    }
}

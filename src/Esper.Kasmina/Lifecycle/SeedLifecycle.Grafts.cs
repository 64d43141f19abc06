using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Kasmina.Lifecycle;

/// <content>The history of grafts: what was attached where, on what grounds, and what it turned out to be worth.</content>
public sealed partial class SeedLifecycle
{
    private SystemState? _decision;

    /// <summary>All grafts so far, in order of germination.</summary>
    public ImmutableArray<GraftOutcome> Outcomes => [.. _seeds.SelectMany(seed => seed.Grafts).OrderBy(graft => graft.Id)];

    /// <summary>
    /// Names the state on which the coming commands rest, so that a graft records what was known of its place; null when the decision
    /// is over.
    /// </summary>
    public void SetDecision(SystemState? state) => _decision = state;

    private void BeginGraft(SeedRecord seed, GerminateCommand command, ModuleCost cost)
    {
        SeedObservation? seen = _decision?.Seeds.FirstOrDefault(observation => observation.Seed == seed.Id);
        seed.Grafts.Add(new GraftOutcome(
            _seeds.Sum(place => place.Grafts.Count),
            seed.Id,
            seed.Blueprint!.Name,
            command.Issuer,
            new GraftContext(seed.Channels, seed.Positions, _seeds.Count(place => State(place).Stage.IsLive()), seen?.Growth),
            _epoch,
            cost.Parameters,
            cost.Flops,
            null,
            null));
    }

    /// <summary>Closes the books of a live graft, before its module is touched.</summary>
    private void EndGraft(SeedRecord seed, GraftEnd kind, string issuer, string reason)
    {
        GainEstimate? gain = seed.Gains.Count > 0 ? GainEstimate.Pool(seed.Gains) : null;
        seed.Grafts[^1] = seed.Grafts[^1] with
        {
            Ending = new GraftEnding(_epoch, kind, State(seed).Stage, issuer, reason),
            Reward = gain is null ? null : new Estimate(gain.LossMean, gain.LossHalfWidth),
        };
    }
}

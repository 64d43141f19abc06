using System.Collections.Immutable;
using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Nissa;
using Esper.Tamiyo;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria;

/// <summary>Lets the policy of a run decide again on every state that its log holds, and compares.</summary>
public static class Replayer
{
    /// <summary>Replays a run's decisions.</summary>
    /// <exception cref="EsperException">There is no run, or a file of it is missing or damaged beyond reading.</exception>
    public static ReplaySummary Replay(string runDirectory)
    {
        RunDirectory directory = RunDirectory.Open(runDirectory);
        RunConfig config = ConfigFile.Read(directory.ConfigPath);
        ConfigValidator.Require(config);
        RunRecord record = RunRecord.Load(directory);
        Comparison replay = new(GrowthPolicies.Create(config.Policy), EpochsWithout(record), record.Rollbacks.Length);
        using (JsonLinesReader reader = new(directory.DecisionsPath))
        {
            while (reader.TryRead(out JsonElement? line))
            {
                replay.Check(DecisionRecord.Of(line.Value, reader), reader.LineNumber);
            }

            if (reader.Warning is { } warning)
            {
                replay.Add(reader.LineNumber, "digest", warning);
            }
        }

        if (!record.Info.Sites.IsEmpty && !record.Epochs.IsEmpty)
        {
            replay.CheckEnd(record.Epochs[^1].Epoch);
        }

        return replay.Summarize(directory.Root);
    }

    /// <summary>Epochs at whose end nothing was decided: the policy failed, or the risk engine undid what grew instead.</summary>
    private static HashSet<int> EpochsWithout(RunRecord record) =>
    [
        .. record.Failures.Select(failure => failure.Epoch),
        .. record.Events.Where(change => change.Risk is { Action: RiskAction.RollBack }).Select(change => change.Epoch),
    ];

    private sealed class Comparison(IGrowthPolicy policy, HashSet<int> without, int rollbacks)
    {
        private int _rollbacks = rollbacks;

        private readonly ImmutableArray<ReplayMismatch>.Builder _found = ImmutableArray.CreateBuilder<ReplayMismatch>();
        private string _digest = string.Empty;
        private int _decisions;
        private int _commands;
        private int _epoch;

        public void Check(DecisionRecord record, int line)
        {
            SystemState state = record.Decision.State;
            if (DecisionRecord.DigestOf(_digest, record.Text) != record.Digest)
            {
                Add(line, "digest", "the line was changed, or a line before it was taken out or put in", state.Epoch);
            }

            if (!Follows(state.Epoch))
            {
                Add(line, "order", $"epoch {state.Epoch} follows epoch {_epoch}", state.Epoch);
            }

            (_digest, _epoch) = (record.Digest, state.Epoch);
            _decisions++;
            _commands += record.Decision.Commands.Length;
            if (record.Decision.Policy != policy.Name)
            {
                Add(line, "policy", $"'{record.Decision.Policy}' decided, the run's configuration names '{policy.Name}'", state.Epoch);
            }

            if (SystemStateRules.Objection(state) is { } objection)
            {
                Add(line, "state", objection, state.Epoch);
                return;
            }

            Compare(record.Decision, line);
        }

        public void CheckEnd(int epochs)
        {
            if (Enumerable.Range(_epoch + 1, Math.Max(0, epochs - _epoch)).Any(epoch => !without.Contains(epoch)))
            {
                Add(_decisions, "order", $"the log ends with epoch {_epoch}, the run's record with epoch {epochs}", epochs);
            }
        }

        public void Add(int line, string kind, string message, int? epoch = null) =>
            _found.Add(new ReplayMismatch(line, epoch ?? _epoch, kind, message));

        public ReplaySummary Summarize(string directory) => new(
            directory,
            policy.Name,
            _decisions,
            _found.Select(mismatch => mismatch.Epoch).Distinct().Count(),
            _commands,
            _found.ToImmutable());

        // A run that was taken back decides on the same epochs again.
        private bool Follows(int epoch) => epoch > _epoch
            ? Enumerable.Range(_epoch + 1, epoch - _epoch - 1).All(without.Contains)
            : _rollbacks-- > 0;

        private void Compare(LoggedDecision decision, int line)
        {
            ImmutableArray<JsonElement> logged = decision.Commands;
            ImmutableArray<JsonElement> again;
            try
            {
                again = LoggedDecision.Describe(policy.Decide(decision.State));
            }
            catch (EsperException error)
            {
                Add(line, "commands", $"{policy.Name} cannot decide: {error.Message}", decision.State.Epoch);
                return;
            }

            int common = Math.Min(logged.Length, again.Length);
            for (int i = 0; i < common; i++)
            {
                if (!JsonElement.DeepEquals(logged[i], again[i]))
                {
                    Add(
                        line,
                        "commands",
                        $"command {i + 1} is {logged[i].GetRawText()} in the log, {again[i].GetRawText()} in the replay",
                        decision.State.Epoch);
                    return;
                }
            }

            if (logged.Length != again.Length)
            {
                Add(
                    line,
                    "commands",
                    $"the log has {logged.Length} commands, the replay {again.Length}; the first too many is "
                    + (logged.Length > common ? logged : again)[common].GetRawText(),
                    decision.State.Epoch);
            }
        }
    }
}

using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Tolaria.Training;

/// <summary>
/// Passes lifecycle events on, and takes down what a decision led to: the events that carry the ids of its commands.
/// </summary>
internal sealed class DecisionScribe(IRunObserver observer)
{
    private readonly ImmutableArray<CommandAnswer>.Builder _answers = ImmutableArray.CreateBuilder<CommandAnswer>();
    private DecisionReport? _decision;

    /// <summary>The commands of a decision are about to be carried out.</summary>
    public void Begin(string policy, SystemState state, ImmutableArray<LifecycleCommand> commands)
    {
        _answers.Clear();
        _decision = new DecisionReport(policy, state, commands, []);
    }

    /// <summary>A seed changed its stage, or was refused to.</summary>
    public void OnLifecycle(LifecycleEvent change)
    {
        if (change.CommandId is { } id && _decision?.Commands.Any(command => command.Id == id) == true)
        {
            _answers.Add(new CommandAnswer(id, change.From, change.To, change.Reason, change.Verdict));
        }

        observer.OnLifecycle(change);
    }

    /// <summary>All commands of the decision were carried out or refused.</summary>
    public void End()
    {
        DecisionReport decision = _decision ?? throw new InvalidOperationException("No decision has begun.");
        _decision = null;
        observer.OnDecision(decision with { Answers = _answers.ToImmutable() });
    }
}

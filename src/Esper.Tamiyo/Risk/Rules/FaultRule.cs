using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>
/// Nothing advances while the governor sees losses out of bounds, and for a while after it took the run back: whatever grew then could
/// not be told from what went wrong. Always on.
/// </summary>
public sealed class FaultRule() : RiskRule(
    "fault", SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized)
{
    private const string OutOfBounds = "last steps with a loss out of bounds";
    private const string Quiet = "steps since the last fault";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [OutOfBounds, Quiet];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs) => inputs.Conditions.Watch switch
    {
        null => Judge(RiskAction.Hold),
        { StepsSinceFault: { } quiet } watch => Judge(
            RiskAction.Hold, AtMost(OutOfBounds, watch.StepsOutOfBounds, 0), AtLeast(Quiet, quiet, watch.ProbationSteps)),
        { } watch => Judge(RiskAction.Hold, AtMost(OutOfBounds, watch.StepsOutOfBounds, 0)),
    };
}

using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk.Rules;

/// <summary>A module must leave memory free. Rests on the machine at that moment, so that it is off by default.</summary>
/// <param name="minimum">Share of the device's memory that stays free, in [0, 1].</param>
public sealed class MemoryHeadroomRule(double minimum) : RiskRule("memory-headroom", SeedStage.Germinated)
{
    /// <summary>Value, gradient and up to two moments of the optimizer, four bytes each.</summary>
    public const int BytesPerParameter = 16;

    private const string Free = "free memory of the device";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [Free];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs)
    {
        if (inputs.Conditions is not { FreeBytes: { } free, TotalBytes: { } total and > 0 })
        {
            return Lacks(Free, "it cannot be measured on this device");
        }

        double after = (free - ((double)BytesPerParameter * inputs.Change.Module.Parameters)) / total;
        return Judge(RiskAction.Downgrade, AtLeast("share of memory free beside the module", after, minimum));
    }
}

/// <summary>Nothing more grows in a run whose steps take too long. Rests on wall-clock time, so that it is off by default.</summary>
/// <param name="maximum">Greatest median duration of a step, in milliseconds.</param>
public sealed class LatencyRule(double maximum) : RiskRule("latency", SeedStage.Germinated, SeedStage.Fossilized)
{
    private const string Duration = "median duration of a training step (ms)";

    /// <inheritdoc/>
    public override ImmutableArray<string> Inputs { get; } = [Duration];

    /// <inheritdoc/>
    public override RiskFinding Evaluate(RiskInputs inputs) => inputs.Conditions.StepMilliseconds is { } milliseconds
        ? Judge(RiskAction.Hold, AtMost(Duration, milliseconds, maximum))
        : Lacks(Duration, "no step of this epoch was timed");
}

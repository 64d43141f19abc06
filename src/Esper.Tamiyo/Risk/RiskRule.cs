using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo.Risk;

/// <summary>One question about a change: pure, with a name, the inputs it needs, and its thresholds.</summary>
public abstract class RiskRule
{
    /// <summary>Creates the rule.</summary>
    /// <param name="name">Name in verdicts and logs.</param>
    /// <param name="stages">The stages before which it is asked.</param>
    protected RiskRule(string name, params ImmutableArray<SeedStage> stages) => (Name, Stages) = (name, stages);

    /// <summary>Name in verdicts and logs.</summary>
    public string Name { get; }

    /// <summary>The stages before which it is asked.</summary>
    public ImmutableArray<SeedStage> Stages { get; }

    /// <summary>What it measures with; one of these is named where it is missing.</summary>
    public abstract ImmutableArray<string> Inputs { get; }

    /// <summary>Whether the change is one that the rule is asked about.</summary>
    public virtual bool Concerns(LifecycleChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return Stages.Contains(change.To);
    }

    /// <summary>Judges a change that concerns the rule.</summary>
    public abstract RiskFinding Evaluate(RiskInputs inputs);

    /// <summary>Allows where all measurements hold; otherwise asks for <paramref name="otherwise"/> and names the first that does not.</summary>
    protected RiskFinding Judge(RiskAction otherwise, params ImmutableArray<GateMeasurement> measurements)
    {
        GateMeasurement? broken = measurements.FirstOrDefault(measurement => !measurement.Passed);
        return broken is null
            ? new RiskFinding(Name, RiskAction.Allow, "passed", null, measurements)
            : new RiskFinding(Name, otherwise, Describe(broken), null, measurements);
    }

    /// <summary>Refuses for want of an input.</summary>
    /// <param name="input">One of <see cref="Inputs"/>.</param>
    /// <param name="why">What to do about it.</param>
    protected RiskFinding Lacks(string input, string why) =>
        new(Name, RiskAction.Hold, $"cannot be evaluated: {input} is missing; {why}", input, []);

    // NaN fails both.
    internal static GateMeasurement AtLeast(string name, double value, double threshold) =>
        new($"{name}, at least", value, threshold, value >= threshold);

    internal static GateMeasurement AtMost(string name, double value, double threshold) =>
        new($"{name}, at most", value, threshold, value <= threshold);

    private static string Describe(GateMeasurement broken) => string.Create(
        CultureInfo.InvariantCulture, $"{broken.Name} {broken.Threshold:G6}, is {broken.Value:G6}");
}

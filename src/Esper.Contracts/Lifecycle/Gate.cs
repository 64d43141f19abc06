using System.Collections.Immutable;

namespace Esper.Contracts.Lifecycle;

/// <summary>The checks that stand before a stage (DESIGN: lifecycle gates).</summary>
public enum Gate
{
    /// <summary>Before Germinated: blueprint known, shapes fit, budget left, finite initial parameters.</summary>
    G0,

    /// <summary>Before Training: kernel attached, host isolated from the module.</summary>
    G1,

    /// <summary>Before Blending: gradient health, steps in stage, learning signal.</summary>
    G2,

    /// <summary>Before Holding: alpha at target and settled.</summary>
    G3,

    /// <summary>To stay: no isolation violation, loss within its band.</summary>
    G4,

    /// <summary>Before Fossilized: counterfactual gain with its interval, cost paid for.</summary>
    G5,
}

/// <summary>One quantity that a gate looked at.</summary>
/// <param name="Name">What was measured, with its unit where it has one.</param>
/// <param name="Value">The measured value.</param>
/// <param name="Threshold">What it was compared with.</param>
/// <param name="Passed">Whether the comparison held.</param>
public sealed record GateMeasurement(string Name, double Value, double Threshold, bool Passed);

/// <summary>
/// What a gate decided and why. A gate that cannot be evaluated has failed, and <see cref="Reason"/> says what is missing.
/// </summary>
/// <param name="Gate">The gate.</param>
/// <param name="Passed">Whether the seed may pass.</param>
/// <param name="Terminal">True when waiting cannot help and the seed must be culled.</param>
/// <param name="Reason">One sentence for people.</param>
/// <param name="Measurements">What it was decided on.</param>
public sealed record GateVerdict(
    Gate Gate, bool Passed, bool Terminal, string Reason, ImmutableArray<GateMeasurement> Measurements);

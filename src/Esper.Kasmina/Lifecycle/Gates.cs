using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Kasmina.Lifecycle;

/// <summary>
/// The gates as pure functions of measurements. A missing measurement fails the gate and is named; nothing is assumed in its
/// place. The fused kernels have no fallback (an instruction set that is missing is an error when the session starts), so
/// that no gate has to look for one.
/// </summary>
public static class Gates
{
    /// <summary>Least cosine of host gradients with and without a module in Training that counts as isolated.</summary>
    public const double LeastIsolation = 1 - 1e-6;

    /// <summary>G0, before Germinated.</summary>
    public static GateVerdict Germination(GerminationInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (SiteFit.Objection(input.Blueprint, input.Layout) is { } objection)
        {
            return new GateVerdict(Gate.G0, false, true, objection, []);
        }

        int broken = 0;
        foreach (float value in input.InitialParameters.Span)
        {
            broken += float.IsFinite(value) ? 0 : 1;
        }

        return Judge(
            Gate.G0,
            terminal: true,
            AtMost("parameters of the module", input.Cost.Parameters, input.Left.Parameters),
            AtMost("forward FLOPs of the module", input.Cost.Flops, input.Left.Flops),
            AtMost("initial parameters that are not finite", broken, 0),
            AtLeast("channels of the chunk", input.Channels, 1));
    }

    /// <summary>G1, before Training. <paramref name="isolation"/>: cosine of the host's gradients with and without the module.</summary>
    public static GateVerdict Isolation(double? isolation) => isolation is { } cosine
        ? Judge(Gate.G1, terminal: true, AtLeast("cosine of host gradients with and without the module", cosine, LeastIsolation))
        : Missing(Gate.G1, "the isolation check was not run");

    /// <summary>
    /// G2, before Blending. The direction of the module is reported, not judged: a module lags behind a host that answers
    /// the same gradient, and may point uphill on average although its chunk has a lasting gradient. <paramref name="signal"/> says
    /// whether it has.
    /// </summary>
    public static GateVerdict Readiness(TelemetryMeans? telemetry, GrowthSignal? signal, int age, LifecycleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (telemetry is not { Samples: > 0 } means)
        {
            return Missing(Gate.G2, "no telemetry of the module in this epoch; telemetry.seed_every_steps must be above 0");
        }

        if (means.GradientRatio is not { } ratio)
        {
            return Missing(Gate.G2, "no host parameter produces this site, so that there is no gradient ratio");
        }

        if (signal is not { } growth)
        {
            return Missing(Gate.G2, "the chunk's gradient was not probed at this boundary");
        }

        return Judge(
            Gate.G2,
            terminal: false,
            AtLeast("epochs in Training", age, options.TrainingEpochs),
            AtLeast("gradient ratio newborn/host", ratio, options.GradientRatioMinimum),
            AtMost("gradient ratio newborn/host", ratio, options.GradientRatioMaximum),
            AtLeast("agreement of the chunk's gradient between two halves of data (cosine)", growth.Agreement, options.SignalMinimum));
    }

    /// <summary>G3, before Holding.</summary>
    public static GateVerdict Settled(double alpha, int age, LifecycleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Judge(
            Gate.G3,
            terminal: false,
            AtLeast("alpha", alpha, (float)options.AlphaTarget),
            AtLeast("epochs in Blending", age, 1));
    }

    /// <summary>
    /// G4, to stay. <paramref name="reference"/>: mean validation loss of the last three epochs before this one; null while there is none.
    /// </summary>
    public static GateVerdict Stay(double validationLoss, double? reference, LifecycleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return reference is { } mean
            ? Judge(Gate.G4, terminal: true, AtMost("validation loss (nats)", validationLoss, mean * options.LossBand))
            : Missing(Gate.G4, "no earlier validation loss to compare with");
    }

    /// <summary>G5, before Fossilized.</summary>
    public static GateVerdict Worth(IReadOnlyList<GainEstimate> gains, double required, LifecycleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (gains is not { Count: > 0 })
        {
            return Missing(Gate.G5, "the gain was never evaluated");
        }

        GainEstimate pooled = GainEstimate.Pool(gains);
        return Judge(
            Gate.G5,
            terminal: false,
            AtLeast("evaluations of the gain", gains.Count, options.GainEvaluations),
            Above("gain in validation loss, lower end of 95 % interval (nats)", pooled.LossMean - pooled.LossHalfWidth, required));
    }

    private static GateMeasurement AtLeast(string name, double value, double threshold) =>
        new($"{name}, at least", value, threshold, value >= threshold);

    private static GateMeasurement AtMost(string name, double value, double threshold) =>
        new($"{name}, at most", value, threshold, value <= threshold);

    private static GateMeasurement Above(string name, double value, double threshold) =>
        new($"{name}, above", value, threshold, value > threshold);

    private static GateVerdict Judge(Gate gate, bool terminal, params ImmutableArray<GateMeasurement> measurements)
    {
        GateMeasurement? broken = measurements.FirstOrDefault(measurement => !measurement.Passed);
        return broken is null
            ? new GateVerdict(gate, true, false, "passed", measurements)
            : new GateVerdict(gate, false, terminal, Describe(broken), measurements);
    }

    private static GateVerdict Missing(Gate gate, string reason) =>
        new(gate, false, true, $"cannot be evaluated: {reason}", []);

    private static string Describe(GateMeasurement broken) => string.Create(
        CultureInfo.InvariantCulture,
        $"{broken.Name} {broken.Threshold:G6}, is {broken.Value:G6}");
}

using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <summary>Running sums of a seed's telemetry within an epoch.</summary>
/// <param name="Samples">Steps measured.</param>
/// <param name="Activation">Sum of activation ratios.</param>
/// <param name="Gradient">Sum of gradient ratios.</param>
/// <param name="Alignment">Sum of cosines.</param>
/// <param name="HasGradient">Whether every step had a host gradient to compare with.</param>
/// <param name="Dead">Sum of the shares of dead hidden units; null where the module has none.</param>
/// <param name="GradientRms">Sum of the RMS of the module's gradient.</param>
/// <param name="Variance">Sum of variances.</param>
/// <param name="Sign">Sum of the signs of the cosines.</param>
public sealed record TelemetrySums(
    int Samples,
    double Activation,
    double Gradient,
    double Alignment,
    bool HasGradient,
    double? Dead,
    double GradientRms,
    double Variance,
    double Sign);

/// <summary>Everything about a seed that a checkpoint must hold, apart from its parameters.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="State">Its row in the state store.</param>
/// <param name="Blueprint">Blueprint of its module; null without one.</param>
/// <param name="BlendStep">Steps of the alpha ramp that are done.</param>
/// <param name="Germinations">Modules attached here so far.</param>
/// <param name="Isolation">Result of the isolation check; null before it.</param>
/// <param name="Gains">Evaluations of its gain.</param>
/// <param name="Rejected">Blueprints culled here.</param>
/// <param name="Telemetry">Running sums of this epoch.</param>
/// <param name="Grafts">Every module attached here so far, with how it ended.</param>
public sealed record SeedSnapshot(
    SeedId Seed,
    SeedState State,
    string? Blueprint,
    int BlendStep,
    int Germinations,
    double? Isolation,
    ImmutableArray<GainEstimate> Gains,
    ImmutableArray<string> Rejected,
    TelemetrySums Telemetry,
    ImmutableArray<GraftOutcome> Grafts);

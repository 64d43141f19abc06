using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Graph;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <summary>What the lifecycle knows of one seed beyond its row in the state store.</summary>
internal sealed class SeedRecord(LatticePlace place, int row)
{
    private double _activation;
    private double _gradient;
    private double _alignment;
    private int _samples;
    private bool _hasGradient = true;
    private double? _dead;
    private double _gradientRms;
    private double _variance;
    private double _sign;

    public SeedId Id { get; } = place.Seed;

    /// <summary>Row in the state store.</summary>
    public int Row { get; } = row;

    public int Channels { get; } = place.Channels;

    /// <summary>Positions an example at the site.</summary>
    public long Positions { get; } = place.Positions;

    public SiteLayout Layout { get; } = place.Layout;

    public Blueprint? Blueprint { get; set; }

    public ModuleCost Cost { get; set; }

    /// <summary>Steps of the alpha ramp that are done.</summary>
    public int BlendStep { get; set; }

    /// <summary>How often a module was attached here; part of the key of its initial parameters.</summary>
    public int Germinations { get; set; }

    public double? Isolation { get; set; }

    public List<GainEstimate> Gains { get; } = [];

    public List<string> Rejected { get; } = [];

    /// <summary>Every module that was ever attached here, in order.</summary>
    public List<GraftOutcome> Grafts { get; } = [];

    /// <summary>Adds what one step measured.</summary>
    public void Observe(SeedTelemetry telemetry)
    {
        if (!telemetry.Evaluated || telemetry.InputRms == 0 || !IsFinite(telemetry))
        {
            return;
        }

        _samples++;
        _activation += telemetry.ModuleRms / telemetry.InputRms;
        _alignment += telemetry.Alignment;
        _hasGradient &= telemetry.HostGradientRms > 0;
        _gradient += telemetry.HostGradientRms is > 0 and double host ? telemetry.ParameterGradientRms / host : 0;
        _dead = telemetry.DeadFraction is { } dead ? (_dead ?? 0) + dead : null;
        _gradientRms += telemetry.ParameterGradientRms;
        _variance += telemetry.ModuleVariance;
        _sign += Math.Sign(telemetry.Alignment);
    }

    /// <summary>Means since the last <see cref="ClearTelemetry"/>; null without a sample.</summary>
    public TelemetryMeans? Telemetry => _samples == 0
        ? null
        : new TelemetryMeans(
            _samples,
            _activation / _samples,
            _hasGradient ? _gradient / _samples : null,
            _alignment / _samples,
            _dead / _samples,
            _gradientRms / _samples,
            _variance / _samples,
            _sign / _samples);

    public void ClearTelemetry()
    {
        (_samples, _activation, _gradient, _alignment, _hasGradient, _dead) = (0, 0, 0, 0, true, null);
        (_gradientRms, _variance, _sign) = (0, 0, 0);
    }

    /// <summary>Forgets the module; what was learned about the place (rejected blueprints) stays.</summary>
    public void ClearModule()
    {
        Blueprint = null;
        Cost = default;
        BlendStep = 0;
        Isolation = null;
        Gains.Clear();
        ClearTelemetry();
    }

    public SeedSnapshot Save(SeedState state) => new(
        Id,
        state,
        Blueprint?.Name,
        BlendStep,
        Germinations,
        Isolation,
        [.. Gains],
        [.. Rejected],
        new TelemetrySums(_samples, _activation, _gradient, _alignment, _hasGradient, _dead, _gradientRms, _variance, _sign),
        [.. Grafts]);

    public void Load(SeedSnapshot snapshot)
    {
        ClearModule();
        Blueprint = snapshot.Blueprint is { } name ? Blueprint.Parse(name) : null;
        BlendStep = snapshot.BlendStep;
        Germinations = snapshot.Germinations;
        Isolation = snapshot.Isolation;
        Gains.AddRange(snapshot.Gains);
        Rejected.Clear();
        Rejected.AddRange(snapshot.Rejected);
        Grafts.Clear();
        Grafts.AddRange(snapshot.Grafts);
        (_samples, _activation, _gradient, _alignment, _hasGradient, _dead) = (
            snapshot.Telemetry.Samples,
            snapshot.Telemetry.Activation,
            snapshot.Telemetry.Gradient,
            snapshot.Telemetry.Alignment,
            snapshot.Telemetry.HasGradient,
            snapshot.Telemetry.Dead);
        (_gradientRms, _variance, _sign) =
            (snapshot.Telemetry.GradientRms, snapshot.Telemetry.Variance, snapshot.Telemetry.Sign);
    }

    /// <summary>What a step without finite values measured is no sample: the step was not taken.</summary>
    private static bool IsFinite(SeedTelemetry telemetry) =>
        double.IsFinite(telemetry.InputRms + telemetry.ModuleRms + telemetry.ParameterGradientRms)
        && double.IsFinite(telemetry.Alignment + telemetry.ModuleVariance + (telemetry.HostGradientRms ?? 0));
}
